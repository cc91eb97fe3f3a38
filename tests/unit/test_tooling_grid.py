"""Grids: which values a specification stands for, and which configurations come out."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro.experiments import ConfigurationBase, ConfigurationError, GridSearch, configuration, generate_grid
from experimaestro.experiments.document import LocatedDict
from experimaestro.experiments.grid import grid_values
from experimaestro.experiments.structure import structure


@configuration
class Model:
    layers: int = 2
    rate: GridSearch[float] = 0.1
    sizes: list[int] = [1, 2]


@configuration
class Learning(ConfigurationBase):
    seed: GridSearch[int] = 0
    model: Model = Model()
    options: dict[str, float] = {"a": 1.0}


def read(**values):
    return structure(LocatedDict(values), Learning)


@pytest.mark.parametrize(
    ("specification", "values"),
    [
        (3, [3]),
        ("text", ["text"]),
        ([1, 2], [1, 2]),
        ({"value": [1, 2]}, [[1, 2]]),
        ({"values_list": [1]}, [1]),
        ({"range": [0, 3]}, [0, 1, 2]),
        ({"values_range": [0, 5, 2]}, [0, 2, 4]),
        ({"range": [3, 0, -1]}, [3, 2, 1]),
        ({"range": [0.1, 0.4, 0.1]}, [0.1, 0.2, 0.3]),
        ({"range": [0, 1, 0.3]}, [0.0, 0.3, 0.6, 0.9]),
        ({"values_mult": ["1e-4", 3, 10]}, [0.0001, 0.001, 0.01]),
        ({"range_mult": [1, 4, 2]}, [1, 2, 4, 8]),
    ],
)
def test_values_of_a_specification(specification, values):
    found = grid_values(specification)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@given(st.integers(-50, 50), st.integers(1, 60), st.integers(1, 7))
def test_integer_ranges_are_those_of_python(start, length, step):
    assert grid_values({"range": [start, start + length, step]}) == list(range(start, start + length, step))
    assert grid_values({"range": [start, start - length, -step]}) == list(range(start, start - length, -step))


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ({"values": [1]}, "values_list"),
        ({"value": 1, "range": [0, 1]}, "one key"),
        ({}, "empty"),
        ([], "at least one"),
        ({"values_list": 3}, "list"),
        ({"range": [1]}, "start, stop"),
        ({"range": [0, 3, 0]}, "empty range"),
        ({"range": [3, 0]}, "empty range"),
        ({"range": [0, "x"]}, "start, stop"),
        ({"range": [0, "nan"]}, "start, stop"),
        ({"values_mult": [1, 2.5, 10]}, "integer"),
        ({"values_mult": [1, 0, 10]}, "from 1 on"),
    ],
)
def test_other_specifications_are_refused(specification, message):
    with pytest.raises(ValueError, match=message):
        GridSearch(specification)


@pytest.mark.contract("clients: experiments.grid")
def test_fields_and_paths_are_combined_and_only_what_varies_is_tagged():
    configurations, tags = generate_grid(
        read(
            seed=[1, 2],
            model={"rate": {"values_mult": [0.1, 2, 10]}},
            grid_search={"model.layers": ["3", 4], "options.a": ["1e-2"]},
        )
    )
    expected = list(product([1, 2], [0.1, 1.0], [3, 4]))
    assert [(c.seed, c.model.rate, c.model.layers) for c in configurations] == expected
    assert tags == [{"seed": s, "model.rate": r, "model.layers": n} for s, r, n in expected]
    assert all(c.grid_search is None for c in configurations)
    assert len({id(c.model) for c in configurations}) == len(expected)


def test_values_have_the_type_of_the_field():
    (configured,), _ = generate_grid(read(grid_search={"model.layers": "5", "model.rate": 2, "model.sizes.1": 7}))
    assert (configured.model.layers, configured.model.rate, configured.model.sizes) == (5, 2, [1, 7])
    with pytest.raises(ValueError, match=r"model\.layers"):
        generate_grid(read(grid_search={"model.layers": ["many"]}))
    with pytest.raises(ConfigurationError, match="seed"):
        read(seed=[1, "many"])


def test_without_a_grid_there_is_one_configuration_without_tags():
    given_configuration = read(seed=3)
    configurations, tags = generate_grid(given_configuration)
    assert [c.seed for c in configurations] == [3]
    assert tags == [{}]
    assert configurations[0] is not given_configuration


def test_coupled_values_vary_together():
    coupled = [{"model.layers": 1, "model.sizes.0": 5}, {"model.layers": 2, "model.sizes.0": 5}]
    configurations, tags = generate_grid(read(seed=[1, 2], grid_search={"config_dicts": coupled}))
    assert [(c.seed, c.model.layers, c.model.sizes[0]) for c in configurations] == [
        (1, 1, 5), (1, 2, 5), (2, 1, 5), (2, 2, 5),
    ]  # fmt: skip
    assert tags[1] == {"seed": 1, "model.layers": 2}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"model.layer": [1]}, r"no 'layer'; it has layers, rate, sizes"),
        ({"model.layers.deep": [1]}, "model.layers has no 'deep'"),
        ({"model.sizes.9": [1]}, "model.sizes has no '9'"),
        ({"options.b": [1]}, "options has no 'b'"),
        ({"model.layers": [1], "model": [3]}, "twice"),
        ({"seed": [3]}, "twice"),
        ({"model.layers": [1], "config_dicts": [{"model.layers": 2}]}, "twice"),
        ({"config_dicts": [{"model.layers": 2}, {"model.rate": 2}]}, "same keys"),
        ({"config_dicts": {"model.layers": 2}}, "list of mappings"),
        ({"config_dicts": []}, "list of mappings"),
    ],
)
def test_mistakes_name_the_path(grid, message):
    with pytest.raises(ValueError, match=message):
        generate_grid(read(seed=[1, 2], grid_search=grid))
