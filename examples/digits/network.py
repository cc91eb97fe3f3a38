"""A network with one hidden layer, in plain NumPy: 64 pixels -> hidden units (ReLU) -> 10 digits (softmax).

Nothing here knows about experimaestro: a task calls ordinary code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = dict[str, Array]


def initialize(inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> Parameters:
    """Draw the first weights (He's initialization: the variance of the signal stays the same through ReLU)."""
    return {
        "w1": rng.normal(0.0, np.sqrt(2.0 / inputs), (inputs, hidden)),
        "b1": np.zeros(hidden),
        "w2": rng.normal(0.0, np.sqrt(2.0 / hidden), (hidden, outputs)),
        "b2": np.zeros(outputs),
    }


def forward(parameters: Parameters, images: Array) -> tuple[Array, Array]:
    """Return the activations of the hidden layer and the probability of each digit."""
    hidden = np.maximum(images @ parameters["w1"] + parameters["b1"], 0.0)
    scores = hidden @ parameters["w2"] + parameters["b2"]
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, exponentials / exponentials.sum(axis=1, keepdims=True)


def gradients(parameters: Parameters, images: Array, labels: NDArray[np.int64]) -> tuple[float, Parameters]:
    """Return the mean cross-entropy of a batch and its gradient in each parameter (back-propagation)."""
    hidden, probabilities = forward(parameters, images)
    rows = np.arange(len(labels))
    loss = -float(np.log(probabilities[rows, labels] + 1e-12).mean())

    at_scores = probabilities
    at_scores[rows, labels] -= 1.0
    at_scores /= len(labels)
    at_hidden = (at_scores @ parameters["w2"].T) * (hidden > 0.0)
    return loss, {
        "w1": images.T @ at_hidden,
        "b1": at_hidden.sum(axis=0),
        "w2": hidden.T @ at_scores,
        "b2": at_scores.sum(axis=0),
    }


def accuracy(parameters: Parameters, images: Array, labels: NDArray[np.int64]) -> float:
    """Return the share of images whose most probable digit is the right one."""
    _, probabilities = forward(parameters, images)
    return float((probabilities.argmax(axis=1) == labels).mean())
