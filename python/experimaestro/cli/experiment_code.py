"""The Python side of an experiment file: where its code is, importing it, and finding its `run`."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from experimaestro.experiments import ConfigurationBase, ExperimentFileError, ExperimentHelper
from experimaestro.experiments.document import LocatedDict, LocatedList, Origin


class Code(NamedTuple):
    """Where the code of an experiment is."""

    module: str
    """Name to import."""
    folder: Path
    """Folder that this name is looked for in first."""
    file: Path | None
    """The file, when it was named rather than the module."""


def locate(document: LocatedDict, base: ConfigurationBase, main: Path, file: Path | None, module: str | None) -> Code:
    """Find the code that the options, or the YAML file, name.

    :param document: what was written
    :param base: the keys every experiment has
    :param main: the YAML file
    :param file: `--file`
    :param module: `--module-name`
    :raises ExperimentFileError: when there is no such file
    """
    if file is not None:
        return _from_file(file.absolute(), "--file")
    if module is not None:
        return _from_module(module, main)
    if base.module is not None:
        if "file" in document:
            raise ExperimentFileError(f"{_origin(document, 'file')}: both `file` and `module` are given; keep one")
        return _from_module(base.module, main)
    if "file" in document:
        origin = _origin(document, "file")
        return _from_file((origin.folder or main.parent).absolute() / base.file, str(origin))
    default = main.parent.absolute() / f"{base.file}.py"
    if not default.is_file():
        raise ExperimentFileError(
            f"{main}: which code is to be run? Give `file: …` or `module: …` (there is no {default.name} beside it)"
        )
    return _from_file(default, str(main))


def _origin(document: LocatedDict, key: str) -> Origin:
    return document.origins.get(key, Origin(""))


def _from_file(path: Path, where: str) -> Code:
    if path.suffix != ".py":
        path = path.with_name(path.name + ".py")
    path = path.resolve()
    if not path.is_file():
        raise ExperimentFileError(f"{where}: there is no file {path}")
    return Code(path.stem, path.parent, path)


def _from_module(name: str, main: Path) -> Code:
    """The folder of a module that is not importable yet is one of those above the YAML file."""
    relative = Path(*name.split("."))
    for folder in (main.absolute().parent, *main.absolute().parent.parents):
        if (folder / relative).with_suffix(".py").is_file() or (folder / relative / "__init__.py").is_file():
            return Code(name, folder, None)
    return Code(name, main.absolute().parent, None)


def extend_path(document: LocatedDict, base: ConfigurationBase, code: Code) -> None:
    """Put the folders of `pythonpath` in front of `sys.path`; without the key, the folder of the code."""
    if base.pythonpath is None:
        folders = [code.folder]
    else:
        written = document["pythonpath"]
        origins: Sequence[Origin] = written.origins if isinstance(written, LocatedList) else ()
        default = _origin(document, "pythonpath")
        folders = []
        for position, name in enumerate(base.pythonpath):
            origin = origins[position] if position < len(origins) else default
            folder = ((origin.folder or Path.cwd()) / name).resolve()
            if not folder.is_dir():
                raise ExperimentFileError(f"{origin}: the folder {folder} of `pythonpath` does not exist")
            folders.append(folder)
        if code.file is not None:
            folders.append(code.folder)
    for folder in reversed(folders):
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        sys.path.insert(0, str(folder))


def run_pre_experiment(document: LocatedDict, base: ConfigurationBase, main: Path) -> None:
    """Run the file, or import the module, that prepares the import of the experiment's code."""
    name = base.pre_experiment
    if name is None:
        return
    origin = _origin(document, "pre_experiment")
    if "/" not in name and "\\" not in name and not name.endswith(".py"):
        _import(name, str(origin), "pre_experiment")
        return
    path = ((origin.folder or main.parent) / name).resolve()
    if not path.is_file():
        raise ExperimentFileError(f"{origin}: there is no file {path} (pre_experiment)")
    _import_file("_xpm_pre_experiment", path)


def import_code(code: Code, where: str) -> ModuleType:
    """Import the module of the experiment.

    :raises ExperimentFileError: when it is not found, or another module already has its name
    """
    if code.file is None:
        return _import(code.module, where, "module")
    loaded = sys.modules.get(code.module)
    taken = loaded is not None and getattr(loaded, "__file__", None) != str(code.file)
    if taken or code.module in sys.builtin_module_names:
        raise ExperimentFileError(f"{code.file}: another module is called {code.module!r}: rename this file")
    if not code.module.isidentifier():
        raise ExperimentFileError(
            f"{code.file}: {code.module!r} cannot be the name of a module, so its tasks could not be found again: "
            "rename this file (letters, digits and _)"
        )
    try:
        return import_module(code.module)
    except ImportError as error:
        if "relative import" in str(error):
            package = code.folder.name
            raise ExperimentFileError(
                f"{code.file}: {error}; name it as part of its package instead: `module: {package}.{code.module}`"
            ) from error
        raise


def _import(name: str, where: str, key: str) -> ModuleType:
    try:
        found = find_spec(name) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise ExperimentFileError(
            f"{where}: there is no module {name!r} ({key}); looked for in {', '.join(sys.path[:3])}, …; "
            "`pythonpath` adds folders"
        )
    return import_module(name)


def _import_file(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Runnable(NamedTuple):
    """What is called to run the experiment, and what it wants to be given."""

    helper: ExperimentHelper
    schema: Any


def find_run(module: ModuleType) -> Runnable:
    """The `run` of a module: a function `run(helper, configuration)`, or an `ExperimentHelper` made from one.

    :raises ExperimentFileError: when there is none, or its parameters tell nothing
    """
    place = getattr(module, "__file__", None) or module.__name__
    run = getattr(module, "run", None)
    if run is None:
        raise ExperimentFileError(
            f"{place}: there is no `run` here; write `def run(helper: ExperimentHelper, configuration: …):`"
        )
    if isinstance(run, type) and issubclass(run, ExperimentHelper):
        raise ExperimentFileError(f"{place}: `run` is a class; decorate a function: `@{run.__name__}.decorator`")
    helper = run if isinstance(run, ExperimentHelper) else None
    function = helper.callable if helper is not None else run
    if not callable(function):
        raise ExperimentFileError(f"{place}: `run` is not a function")
    names = list(inspect.signature(function).parameters)
    if len(names) != 2:
        raise ExperimentFileError(
            f"{place}: `run` must have two parameters, the helper and the configuration, not {len(names)}"
        )
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        raise ExperimentFileError(
            f"{place}: an annotation of `run` uses {error.name!r}, which is not defined"
        ) from None
    if names[1] not in hints:
        raise ExperimentFileError(
            f"{place}: the parameter {names[1]!r} of `run` needs an annotation: the class of its configuration"
        )
    wanted = hints.get(names[0])
    kind = wanted if isinstance(wanted, type) and issubclass(wanted, ExperimentHelper) else ExperimentHelper
    return Runnable(helper if helper is not None else kind(function), hints[names[1]])
