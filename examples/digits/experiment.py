"""The plan: which tasks are run, and what is made of their results.

xpm run-experiment --workdir workspace examples/digits/experiment.yaml
"""

from __future__ import annotations

from itertools import product

from digits import SGD, Evaluate, Learn, Network, Split
from report import draw_curves, print_table

from experimaestro import tag
from experimaestro.experiments import ConfigurationBase, ExperimentHelper, configuration


@configuration
class Configuration(ConfigurationBase):
    """What `experiment.yaml` may set; an unknown key or a wrong type is an error."""

    hidden: list[int]
    learning_rate: list[float]
    seeds: list[int]
    epochs: int = 50


def run(helper: ExperimentHelper, cfg: Configuration) -> None:
    # Each task has one core: NumPy must not start one thread per core in every task, or they fight for the machine.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        helper.xp.setenv(variable, "1")

    split = Split.C().submit()

    evaluations = []
    for hidden, learning_rate, seed in product(cfg.hidden, cfg.learning_rate, cfg.seeds):
        # `submit()` returns at once. The tags are the columns of the table; seeds are not tagged, but averaged over.
        learn = Learn.C(
            split=split,
            network=Network.C(hidden=tag(hidden)),
            optimizer=SGD.C(learning_rate=tag(learning_rate)),
            epochs=cfg.epochs,
            seed=seed,
        ).submit()
        evaluations.append(Evaluate.C(learn=learn).submit())

    helper.xp.wait()
    if not helper.xp.is_open:
        return  # only simulated (`--run-mode dry_run`): there is nothing to show

    results = helper.xp.resultspath
    results.mkdir(parents=True, exist_ok=True)
    print_table(evaluations, results / "accuracy.csv")
    draw_curves(evaluations, results / "curves.png")
