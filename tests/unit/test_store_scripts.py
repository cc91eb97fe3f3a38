"""Classes and enumerations of top-level scripts and of `python -m` are found again by other processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

contract = pytest.mark.contract


SCRIPT = """
from enum import Enum
import sys
from experimaestro import Config, Param, save

print("executed")

class Colour(Enum):
    RED = 1

class Part(Config):
    colour: Param[Colour]

class Whole(Config):
    parts: Param[list[Part]]

if __name__ == "__main__":
    save(Whole.C(parts=[Part.C(colour=Colour.RED), Part.C(colour=Colour.RED)]), sys.argv[1])
"""

LOAD = """
import sys
from experimaestro import load
for as_instance in (False, True):
    for _ in range(2):
        whole = load(sys.argv[1], as_instance=as_instance)
        print(whole.parts[0].colour.name, type(whole.parts[1]).__module__)
"""


@contract("configurations 14: a script is executed once when it is loaded")
@pytest.mark.parametrize("how", ["script", "module"])
def test_what_a_script_saved_is_loaded_elsewhere_and_executes_it_once(tmp_path: Path, how: str) -> None:
    package = tmp_path / "somewhere" / "pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "prog.py").write_text(SCRIPT)
    saved = tmp_path / "saved"
    saved.mkdir()
    command = [str(package / "prog.py")] if how == "script" else ["-m", "pkg.prog"]
    subprocess.run([sys.executable, *command, str(saved)], cwd=package.parent, check=True)
    output = subprocess.run(
        [sys.executable, "-c", LOAD, str(saved)], cwd=package.parent, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split("\n")
    module = "_main_" if how == "script" else "pkg.prog"
    assert output == ["executed", *[f"RED {module}"] * 4, ""]


def test_code_that_is_executed_in_the_name_of_a_module_knows_its_own_names() -> None:
    code = "from experimaestro import Config, Param\nclass A(Config):\n    x: Param[Number]\n"
    scope = {"__name__": "pathlib", "Number": int}
    exec(code, scope)
    made: Any = scope["A"]
    assert made.C(x=1).x == 1
