"""Tasks that do nothing under a token of two units, beside the same tasks on two slots without a token."""

from __future__ import annotations

import os
import tempfile

from harness import OLDER, QUICK, WHO, compare_wall
from tasks import Independent

TASKS = 50 if QUICK else 1000
UNITS = 2


def run_experiment(*, with_token: bool) -> None:
    """Run an experiment in a new workspace."""
    from experimaestro import experiment
    from experimaestro.tokens import CounterToken

    with tempfile.TemporaryDirectory() as folder, experiment(folder, "bench") as xp:
        token = CounterToken("bench", f"{folder}/token", UNITS) if with_token else None
        for index in range(TASKS):
            task = Independent.C(index=index)
            if token is not None:
                token(1, task)
            task.submit()
        xp.wait()
        if xp.failedJobs:
            raise RuntimeError(f"{len(xp.failedJobs)} tasks failed: the measure is void")


if __name__ == "__main__" and not OLDER:
    os.environ["XPM_SLOTS"] = str(UNITS)
    os.environ.setdefault("PYTHONPATH", os.path.dirname(os.path.abspath(__file__)))
    case = "tokens: 1,000 tasks that do nothing, 2 at once"
    contenders = {
        WHO: lambda: run_experiment(with_token=True),
        "without token": lambda: run_experiment(with_token=False),
    }
    # The fork server starts with the first job: nobody is to pay for it.
    run_experiment(with_token=False)
    compare_wall(case, contenders, rounds=5)
