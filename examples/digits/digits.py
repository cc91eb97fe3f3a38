"""The building blocks of the experiment: what can be varied (`Config`) and what is run (`Task`).

Each `Param` counts in the identity of a task: change one and it is another task, with a folder of its own. A `Meta`
does not count: here, the names of the files that a task writes into its folder.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
from network import Parameters, accuracy, gradients, initialize

from experimaestro import Config, Meta, Param, PathGenerator, Task, field, progress


class Split(Task):
    """Shuffle the 1,797 images once, and set some aside for validation and for the final test."""

    validation: Param[int] = 300
    """Number of images kept to watch the training"""

    test: Param[int] = 300
    """Number of images kept for the evaluation"""

    seed: Param[int] = 0

    # `PathGenerator` gives a path inside the folder of the task: nobody has to invent unique names.
    path: Meta[Path] = field(default_factory=PathGenerator("split.npz"))

    def execute(self) -> None:
        # Imported here, so that only this task pays for it.
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(self.seed).permutation(len(labels))
        images, labels = images[order] / 16.0, labels[order]

        end_of_training = len(labels) - self.validation - self.test
        end_of_validation = len(labels) - self.test
        parts = {
            "train": slice(0, end_of_training),
            "validation": slice(end_of_training, end_of_validation),
            "test": slice(end_of_validation, None),
        }
        arrays = {f"{part}_images": images[rows] for part, rows in parts.items()}
        arrays |= {f"{part}_labels": labels[rows] for part, rows in parts.items()}
        np.savez(self.path, allow_pickle=False, **arrays)


class Network(Config):
    """The shape of the network."""

    hidden: Param[int] = 64
    """Number of hidden units"""


class SGD(Config):
    """Stochastic gradient descent with momentum."""

    learning_rate: Param[float] = 0.1
    momentum: Param[float] = 0.9
    batch_size: Param[int] = 32


class Learn(Task):
    """Train one network."""

    # The value is a submitted task, so this task starts when that one has ended.
    split: Param[Split]
    network: Param[Network]
    optimizer: Param[SGD]
    epochs: Param[int] = 50
    seed: Param[int] = 0

    weights: Meta[Path] = field(default_factory=PathGenerator("weights.npz"))
    curve: Meta[Path] = field(default_factory=PathGenerator("curve.csv"))
    checkpoint: Meta[Path] = field(default_factory=PathGenerator("checkpoint.npz"))

    def execute(self) -> None:
        data = np.load(self.split.path)
        images, labels = data["train_images"], data["train_labels"]
        first, parameters, velocity, curve = self.start_or_resume(images.shape[1])

        for epoch in range(first, self.epochs):
            # One generator per epoch: a resumed training sees the same batches as one that was never stopped.
            order = np.random.default_rng([self.seed, epoch]).permutation(len(labels))
            losses = []
            for start in range(0, len(order), self.optimizer.batch_size):
                batch = order[start : start + self.optimizer.batch_size]
                loss, gradient = gradients(parameters, images[batch], labels[batch])
                losses.append(loss)
                for name in parameters:
                    velocity[name] = (
                        self.optimizer.momentum * velocity[name] - self.optimizer.learning_rate * gradient[name]
                    )
                    parameters[name] += velocity[name]

            validation = accuracy(parameters, data["validation_images"], data["validation_labels"])
            curve.append((epoch + 1, float(np.mean(losses)), validation))
            if (epoch + 1) % 10 == 0:
                self.save_checkpoint(epoch + 1, parameters, velocity, curve)
            progress((epoch + 1) / self.epochs, desc=f"validation {validation:.1%}")

        np.savez(self.weights, allow_pickle=False, **parameters)
        with self.curve.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["epoch", "loss", "validation"])
            writer.writerows(curve)

    def start_or_resume(self, inputs: int) -> tuple[int, Parameters, Parameters, list[tuple[int, float, float]]]:
        """Return the first epoch to run, the weights, the velocities and the learning curve so far.

        The folder of a task that was interrupted is kept: the next attempt finds the checkpoint in it.
        """
        if self.checkpoint.exists():
            saved = np.load(self.checkpoint)
            parameters = {name: saved[name] for name in ("w1", "b1", "w2", "b2")}
            velocity = {name: saved[f"velocity_{name}"] for name in parameters}
            curve = [(int(epoch), loss, validation) for epoch, loss, validation in saved["curve"].tolist()]
            return int(saved["epoch"]), parameters, velocity, curve

        parameters = initialize(inputs, self.network.hidden, 10, np.random.default_rng(self.seed))
        return 0, parameters, {name: np.zeros_like(value) for name, value in parameters.items()}, []

    def save_checkpoint(
        self, epoch: int, parameters: Parameters, velocity: Parameters, curve: list[tuple[int, float, float]]
    ) -> None:
        """Write beside, then rename: whenever the task is killed, a whole checkpoint is there."""
        temporary = self.checkpoint.with_name("checkpoint.part.npz")
        velocities = {f"velocity_{name}": value for name, value in velocity.items()}
        np.savez(
            temporary, allow_pickle=False, epoch=np.array(epoch), curve=np.array(curve), **parameters, **velocities
        )
        os.replace(temporary, self.checkpoint)


class Evaluate(Task):
    """Measure a trained network on images that it has never seen."""

    learn: Param[Learn]
    result: Meta[Path] = field(default_factory=PathGenerator("result.json"))

    def execute(self) -> None:
        data = np.load(self.learn.split.path)
        weights = dict(np.load(self.learn.weights))
        test = accuracy(weights, data["test_images"], data["test_labels"])
        self.result.write_text(json.dumps({"accuracy": test}))
