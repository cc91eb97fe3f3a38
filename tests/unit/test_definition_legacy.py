"""Import paths and decorators of older projects."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import experimaestro
from experimaestro import (
    Choices,
    Config,
    ConstantParam,
    DirectoryContext,
    Task,
    argument,
    config,
    constant,
    option,
    param,
    pathoption,
    task,
)

contract = pytest.mark.contract

PATHS = {
    "core.objects": "Config Task LightweightTask ConfigMixin TypeConfig ConfigInformation ConfigWalk ConfigWalkContext "
    "ConfigWrapper TaggedValue SealedError WatchedOutput getqualattr add_to_path cache logger ObjectStore setmeta",
    "core.objects.config": "SetInfo clone ConfigInformation",
    "core.types": "Type ObjectType Identifier SubmitHook TypeProxy XPMValue Any IntType StrType FloatType BoolType "
    "PathType AnyType NoneTypeType ArrayType SetType DictType EnumType UnionType TupleType GenericType TypeVarType",
    "core.arguments": "Argument ArgumentOptions TypeAnnotation Param Meta Annotated field",
    "core.identifier": "Identifier IdentifierComputer",
    "core.callbacks": "WatchedOutput",
    "generators": "Generator PathGenerator pathgenerator",
    "annotations": "tag tags tagspath cache configmethod config_only initializer documentation",
    "checkers": "Checker Choices",
    "xpmutils": "DirectoryContext EmptyContext",
    "taskglobals": "Env",
    "exceptions": "HandledException",
    "typingutils": "get_optional",
}

NAMES = """Config Task ResumableTask LightweightTask Prepare Param Meta Option Constant DataPath OptionalDataPath
Annotated field help default pathgenerator PathGenerator copyconfig setmeta sealed_set DependentMarker ObjectStore tag
stop_tags tags tagspath TagDict cache initializer config_only documentation Array Any Identifier STDOUT STDERR Choices
SubmitHook DirectoryContext SerializationLWTask PathSerializationLWTask Action Interaction CLIInteraction Path config
task param argument option pathoption constant ConstantParam __version__""".split()  # noqa: SIM905 - read as a list of words


@contract("configurations 1: import paths")
@pytest.mark.parametrize("module", PATHS)
def test_import_paths(module: str) -> None:
    found = importlib.import_module(f"experimaestro.{module}")
    missing = [name for name in PATHS[module].split() if not hasattr(found, name)]
    assert missing == []


@contract("configurations 1: public names")
def test_public_names() -> None:
    assert set(NAMES) <= set(experimaestro.__all__)
    for name in NAMES:
        getattr(experimaestro, name)
    assert experimaestro.Path is Path
    assert experimaestro.Any is importlib.import_module("experimaestro.core.types").Any


@param("b", type=int, default=2, help="the second")
@param("a", type=int)
@argument("c", default="x", checker=Choices(["x", "y"]))
@option("d", type=int, required=False)
@pathoption("out", "file.txt")
@constant("version", "1")
@config("legacy.Model")
class Model:
    def double(self) -> int:
        return 2 * self.a  # type: ignore[attr-defined,no-any-return]


@param("model", type=Model)
@task("legacy.learn")
class Learn:
    def execute(self) -> None: ...


@contract("configurations 2.4: v1 decorators")
def test_decorators(tmp_path: Path) -> None:
    assert issubclass(Model, Config)
    made: Any = Model(a=1)  # type: ignore[call-arg]
    it = Model.__xpmtype__  # type: ignore[attr-defined]
    assert it.identifier == "legacy.model"
    assert set(it.arguments) == {"a", "b", "c", "d", "out", "version"}
    assert (made.b, made.c, made.d, made.version) == (2, "x", None, "1")
    assert it.arguments["b"].help == "the second"
    assert it.arguments["d"].ignored
    assert it.arguments["version"].constant
    assert ConstantParam is constant
    with pytest.raises(ValueError, match="choices"):
        made.c = "z"
    value = made.instance(context=DirectoryContext(tmp_path))
    assert value.double() == 2
    assert value.out == tmp_path / "file.txt"
    assert issubclass(Learn, Task)
    Learn(model=Model(a=1))  # type: ignore[call-arg]


@contract("configurations 1: v0 configmethod is the identity")
def test_configmethod() -> None:
    assert experimaestro.configmethod(test_configmethod) is test_configmethod
