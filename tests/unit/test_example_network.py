"""The network of the example: its gradients are those of its loss."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"


@pytest.fixture
def network() -> ModuleType:
    specification = importlib.util.spec_from_file_location("example_network", EXAMPLE / "network.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_gradients_are_the_slopes_of_the_loss(network):
    rng = np.random.default_rng(0)
    parameters = network.initialize(6, 5, 4, rng)
    images, labels = rng.random((8, 6)), rng.integers(0, 4, 8)
    _, gradient = network.gradients(parameters, images, labels)
    step = 1e-6
    for name, values in parameters.items():
        for position in np.ndindex(values.shape):
            kept = values[position]
            values[position] = kept + step
            above, _ = network.gradients(parameters, images, labels)
            values[position] = kept - step
            below, _ = network.gradients(parameters, images, labels)
            values[position] = kept
            assert gradient[name][position] == pytest.approx((above - below) / (2 * step), abs=1e-6)


def test_probabilities_do_not_overflow(network):
    parameters = network.initialize(6, 5, 4, np.random.default_rng(0))
    _, probabilities = network.forward(parameters, np.full((3, 6), 1e6))
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
