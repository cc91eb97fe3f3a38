"""Options of a command line from parameters."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Optional

import pytest
from click.testing import CliRunner

from experimaestro import Choices, Config, Param
from experimaestro.click import cli, click, forwardoption


class Color(Enum):
    RED = 1
    BLUE = 2


class Optimizer(Config):
    learning_rate: Param[float] = 0.1


class Learning(Config):
    steps: Param[int]
    optimizer: Param[Optimizer]
    other: Param[Optional[Optimizer]]
    name: Param[str] = "base"
    color: Param[Color] = Color.RED
    kind: Annotated[str, Choices(["a", "b"])]
    mode: Param[Literal["slow", "fast"]] = "slow"
    folder: Param[Optional[Path]]
    sizes: Param[list[int]] = [1]
    table: Param[dict[str, int]] = {}


def invoke(decorator, *arguments):
    received = {}

    @click.command()
    @decorator
    def command(**values):
        received.update(values)

    result = CliRunner().invoke(command, arguments)
    return received if result.exit_code == 0 else result.output


@pytest.mark.parametrize(
    ("decorator", "arguments", "received"),
    [
        (forwardoption.steps(Learning), ["--steps", "3"], {"steps": 3}),
        (forwardoption.name(Learning), [], {"name": "base"}),
        (forwardoption.name(Learning, default="other"), [], {"name": "other"}),
        (forwardoption.steps(Learning, "how-many", default=4), [], {"how_many": 4}),
        (forwardoption.color(Learning), [], {"color": Color.RED}),
        (forwardoption.color(Learning), ["--color", "BLUE"], {"color": Color.BLUE}),
        (forwardoption.kind(Learning), ["--kind", "b"], {"kind": "b"}),
        (forwardoption.mode(Learning), ["--mode", "fast"], {"mode": "fast"}),
        (forwardoption.folder(Learning), ["--folder", "x"], {"folder": Path("x")}),
        (forwardoption.folder(Learning), [], {"folder": None}),
        (forwardoption.sizes(Learning), ["--sizes", "2", "--sizes", "3"], {"sizes": [2, 3]}),
        (forwardoption.sizes(Learning), [], {"sizes": [1]}),
        (forwardoption.optimizer.learning_rate(Learning), [], {"optimizer_learning_rate": 0.1}),
        (
            forwardoption.other.learning_rate(Learning),
            ["--other-learning-rate", "1e-3"],
            {"other_learning_rate": 0.001},
        ),
    ],
)
@pytest.mark.contract("configurations 13: experimaestro.click, forwardoption")
def test_options_have_the_name_type_and_default_of_the_parameter(decorator, arguments, received):
    assert invoke(decorator, *arguments) == received


@pytest.mark.parametrize(
    ("decorator", "arguments", "message"),
    [
        (forwardoption.steps(Learning), [], "Missing option '--steps'"),
        (forwardoption.steps(Learning), ["--steps", "many"], "not a valid integer"),
        (forwardoption.color(Learning), ["--color", "GREEN"], "RED"),
        (forwardoption.kind(Learning), ["--kind", "c"], "'a', 'b'"),
    ],
)
def test_wrong_values_are_refused(decorator, arguments, message):
    assert message in invoke(decorator, *arguments)


@pytest.mark.parametrize(
    ("forward", "error", "message"),
    [
        (forwardoption.stepz, AttributeError, "stepz"),
        (forwardoption.optimizer.rate, AttributeError, "Optimizer has no parameter 'rate'"),
        (forwardoption.steps.rate, TypeError, "steps is no configuration"),
        (forwardoption.table, TypeError, "command line"),
        (forwardoption, TypeError, "name a parameter"),
    ],
)
def test_wrong_parameters_are_refused_when_the_option_is_declared(forward, error, message):
    with pytest.raises(error, match=message):
        forward(Learning)


@pytest.mark.contract("configurations 13: experimaestro.click, cli")
def test_the_group_takes_commands():
    @cli.command("hello")
    def hello():
        click.echo("hello")

    assert CliRunner().invoke(cli, ["hello"]).output == "hello\n"
