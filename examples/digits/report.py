"""From many runs to one table and one picture: seeds are averaged, tags tell the combinations apart."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from digits import Evaluate
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from experimaestro import tags

# A combination of hyper-parameters, such as (("hidden", 32), ("learning_rate", 0.1)).
Combination = tuple[tuple[str, Any], ...]


def by_combination(evaluations: Iterable[Evaluate]) -> dict[Combination, list[Evaluate]]:
    """Group the finished tasks that have the same tags, whatever their seed."""
    groups = defaultdict(list)
    for evaluation in evaluations:
        if evaluation.result.exists():  # a task that failed has no result: the others still make a table
            groups[tuple(tags(evaluation).items())].append(evaluation)
    return dict(groups)


def print_table(evaluations: Iterable[Evaluate], path: Path) -> None:
    """Print the mean test accuracy and its deviation for each combination, best on top; write the same as CSV."""
    rows = []
    for combination, group in by_combination(evaluations).items():
        accuracies = [json.loads(evaluation.result.read_text())["accuracy"] for evaluation in group]
        rows.append((dict(combination), float(np.mean(accuracies)), float(np.std(accuracies)), len(accuracies)))
    rows.sort(key=lambda row: row[1], reverse=True)
    names = list(rows[0][0]) if rows else []

    table = Table(title="Test accuracy")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("mean ± deviation", justify="right")
    table.add_column("seeds", justify="right")
    for rank, (values, mean, deviation, count) in enumerate(rows):
        cells = [str(values[name]) for name in names]
        table.add_row(*cells, f"{mean:.2%} ± {deviation:.2%}", str(count), style="bold green" if rank == 0 else None)
    Console().print(table)

    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*names, "mean", "deviation", "seeds"])
        for values, mean, deviation, count in rows:
            writer.writerow([*(values[name] for name in names), mean, deviation, count])
    print(f"Table:   {path}")


def draw_curves(evaluations: Iterable[Evaluate], path: Path) -> None:
    """Draw the validation accuracy over the epochs: one panel per network size, one line per learning rate."""
    import matplotlib as mpl

    mpl.use("Agg")  # no window: the picture goes to a file
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    groups = by_combination(evaluations)
    sizes = sorted({dict(combination)["hidden"] for combination in groups})
    rates = sorted({dict(combination)["learning_rate"] for combination in groups})
    colors = dict(zip(rates, plt.get_cmap("viridis")(np.linspace(0.75, 0.1, len(rates))), strict=True))

    figure, axes = plt.subplots(
        1, max(len(sizes), 1), figsize=(11, 3.8), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, size in zip(axes[0], sizes, strict=False):
        axis.set_title(f"{size} hidden units", fontsize=11)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        for combination, group in sorted(groups.items(), key=lambda item: dict(item[0])["learning_rate"]):
            if dict(combination)["hidden"] != size:
                continue
            rate = dict(combination)["learning_rate"]
            curves = np.stack([read_curve(evaluation.learn.curve) for evaluation in group])
            epochs = np.arange(1, curves.shape[1] + 1)
            axis.plot(epochs, curves.mean(axis=0), color=colors[rate], label=f"{rate:g}", linewidth=1.8)
            axis.fill_between(
                epochs, curves.min(axis=0), curves.max(axis=0), color=colors[rate], alpha=0.18, linewidth=0
            )
    axes[0][0].set_ylabel("validation accuracy")
    axes[0][0].set_ylim(0.5, 1.0)
    axes[0][0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[0][-1].legend(title="learning rate", loc="lower right", frameon=False)
    figure.suptitle("Handwritten digits (line: mean over seeds; band: lowest to highest)", fontsize=12)
    figure.savefig(path, dpi=150)
    print(f"Picture: {path}")


def read_curve(path: Path) -> NDArray[np.float64]:
    """Return the validation accuracy of each epoch."""
    with path.open() as stream:
        return np.array([float(row["validation"]) for row in csv.DictReader(stream)])
