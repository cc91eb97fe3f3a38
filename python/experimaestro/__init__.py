"""Typed experiments in Python: every task runs exactly once.

Names are imported when they are first used, so that `import experimaestro` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not imported from typing, which takes longer than all of this; type checkers know the name
if TYPE_CHECKING:
    from pathlib import Path as Path
    from typing import Any as Any

    from experimaestro._config.annotations import Annotated as Annotated
    from experimaestro._config.annotations import Checker as Checker
    from experimaestro._config.annotations import Choices as Choices
    from experimaestro._config.annotations import Constant as Constant
    from experimaestro._config.annotations import DataPath as DataPath
    from experimaestro._config.annotations import Meta as Meta
    from experimaestro._config.annotations import Option as Option
    from experimaestro._config.annotations import OptionalDataPath as OptionalDataPath
    from experimaestro._config.annotations import Param as Param
    from experimaestro._config.annotations import PathGenerator as PathGenerator
    from experimaestro._config.annotations import default as default
    from experimaestro._config.annotations import field as field
    from experimaestro._config.annotations import help as help
    from experimaestro._config.annotations import pathgenerator as pathgenerator
    from experimaestro._config.classes import Config as Config
    from experimaestro._config.classes import InstanceConfig as InstanceConfig
    from experimaestro._config.classes import LightweightTask as LightweightTask
    from experimaestro._config.classes import Task as Task
    from experimaestro._config.composition import sealed_set as sealed_set
    from experimaestro._config.copying import copyconfig as copyconfig
    from experimaestro._config.data_paths import SerializationContext as SerializationContext
    from experimaestro._config.decorators import cache as cache
    from experimaestro._config.decorators import config_only as config_only
    from experimaestro._config.decorators import documentation as documentation
    from experimaestro._config.decorators import initializer as initializer
    from experimaestro._config.deprecation import deprecate as deprecate
    from experimaestro._config.experiment_info import ExperimentInfo as ExperimentInfo
    from experimaestro._config.experiment_info import load_configs as load_configs
    from experimaestro._config.experiment_info import load_xp_info as load_xp_info
    from experimaestro._config.generation import DirectoryContext as DirectoryContext
    from experimaestro._config.instantiation import ObjectStore as ObjectStore
    from experimaestro._config.legacy import ConstantParam as ConstantParam
    from experimaestro._config.legacy import argument as argument
    from experimaestro._config.legacy import config as config
    from experimaestro._config.legacy import configmethod as configmethod
    from experimaestro._config.legacy import constant as constant
    from experimaestro._config.legacy import option as option
    from experimaestro._config.legacy import param as param
    from experimaestro._config.legacy import pathoption as pathoption
    from experimaestro._config.legacy import task as task
    from experimaestro._config.meta import setmeta as setmeta
    from experimaestro._config.naming import Identifier as Identifier
    from experimaestro._config.outputs import DependentMarker as DependentMarker
    from experimaestro._config.partials import ParameterGroup as ParameterGroup
    from experimaestro._config.partials import Partial as Partial
    from experimaestro._config.partials import param_group as param_group
    from experimaestro._config.partials import partial as partial
    from experimaestro._config.serialization import deserialize as deserialize
    from experimaestro._config.serialization import from_state_dict as from_state_dict
    from experimaestro._config.serialization import from_task_dir as from_task_dir
    from experimaestro._config.serialization import load as load
    from experimaestro._config.serialization import save as save
    from experimaestro._config.serialization import serialize as serialize
    from experimaestro._config.serialization import state_dict as state_dict
    from experimaestro._config.tags import TagDict as TagDict
    from experimaestro._config.tags import stop_tags as stop_tags
    from experimaestro._config.tags import tag as tag
    from experimaestro._config.tags import tags as tags
    from experimaestro._config.tags import tagspath as tagspath
    from experimaestro._config.tasks import STDERR as STDERR
    from experimaestro._config.tasks import STDOUT as STDOUT
    from experimaestro._config.tasks import Action as Action
    from experimaestro._config.tasks import CLIInteraction as CLIInteraction
    from experimaestro._config.tasks import Interaction as Interaction
    from experimaestro._config.tasks import PathSerializationLWTask as PathSerializationLWTask
    from experimaestro._config.tasks import Prepare as Prepare
    from experimaestro._config.tasks import ResumableTask as ResumableTask
    from experimaestro._config.tasks import SerializationLWTask as SerializationLWTask
    from experimaestro._config.tasks import SubmitHook as SubmitHook
    from experimaestro._config.typeclasses import Array as Array
    from experimaestro._run.experiment import experiment as experiment
    from experimaestro._run.job import Job as Job
    from experimaestro._run.launching import Launcher as Launcher
    from experimaestro._run.listeners import Scheduler as Scheduler
    from experimaestro._run.progress import progress as progress
    from experimaestro._run.progress_bar import tqdm as tqdm
    from experimaestro._run.projects import DirtyGitAction as DirtyGitAction
    from experimaestro._run.run_mode import RunMode as RunMode
    from experimaestro._run.transient import TransientMode as TransientMode
    from experimaestro._run.workspace import Workspace as Workspace
    from experimaestro._run.workspace import set_launcher as set_launcher
    from experimaestro.exceptions import DirtyGitError as DirtyGitError
    from experimaestro.exceptions import FailedExperiment as FailedExperiment
    from experimaestro.exceptions import GracefulExperimentExit as GracefulExperimentExit
    from experimaestro.exceptions import GracefulTimeout as GracefulTimeout
    from experimaestro.exceptions import TaskCancelled as TaskCancelled
    from experimaestro.launcherfinder.registry import LauncherRegistry as LauncherRegistry
    from experimaestro.taskglobals import Env

    Environment = Env

# Where each name comes from: module of this package -> names.
_MODULES = {
    "_config.annotations": (
        "Annotated",
        "Checker",
        "Choices",
        "Constant",
        "DataPath",
        "Meta",
        "Option",
        "OptionalDataPath",
        "Param",
        "PathGenerator",
        "default",
        "field",
        "help",
        "pathgenerator",
    ),
    "_config.classes": ("Config", "InstanceConfig", "LightweightTask", "Task"),
    "_config.copying": ("copyconfig",),
    "_config.data_paths": ("SerializationContext",),
    "_config.experiment_info": ("ExperimentInfo", "load_configs", "load_xp_info"),
    "_config.deprecation": ("deprecate",),
    "_config.generation": ("DirectoryContext",),
    "_config.instantiation": ("ObjectStore",),
    "_config.meta": ("setmeta",),
    "_config.partials": ("ParameterGroup", "Partial", "param_group", "partial"),
    "_config.serialization": (
        "deserialize",
        "from_state_dict",
        "from_task_dir",
        "load",
        "save",
        "serialize",
        "state_dict",
    ),
    "_config.tags": ("TagDict", "stop_tags", "tag", "tags", "tagspath"),
    "_config.composition": ("sealed_set",),
    "_config.decorators": ("cache", "config_only", "documentation", "initializer"),
    "_config.legacy": (
        "ConstantParam",
        "argument",
        "config",
        "configmethod",
        "constant",
        "option",
        "param",
        "pathoption",
        "task",
    ),
    "_config.naming": ("Identifier",),
    "_config.outputs": ("DependentMarker",),
    "_config.tasks": (
        "Action",
        "CLIInteraction",
        "Interaction",
        "PathSerializationLWTask",
        "Prepare",
        "ResumableTask",
        "STDERR",
        "STDOUT",
        "SerializationLWTask",
        "SubmitHook",
    ),
    "_config.typeclasses": ("Array",),
    "_core": ("__version__",),
    "_run.experiment": ("experiment",),
    "_run.job": ("Job",),
    "_run.launching": ("Launcher",),
    "_run.listeners": ("Scheduler",),
    "_run.progress": ("progress",),
    "_run.progress_bar": ("tqdm",),
    "_run.projects": ("DirtyGitAction",),
    "_run.run_mode": ("RunMode",),
    "_run.transient": ("TransientMode",),
    "_run.workspace": ("Workspace", "set_launcher"),
    "launcherfinder.registry": ("LauncherRegistry",),
    "exceptions": ("DirtyGitError", "FailedExperiment", "GracefulExperimentExit", "GracefulTimeout", "TaskCancelled"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
# Names that are something else at home: module and name there.
_ELSEWHERE = {
    "Any": ("experimaestro._config.typeclasses", "Any_"),
    "Path": ("pathlib", "Path"),
    "Environment": ("experimaestro.taskglobals", "Env"),
}

__all__ = sorted({*_HOME, *_ELSEWHERE})  # pyright: ignore[reportUnsupportedDunderAll] - computed from one table


def __getattr__(name: str) -> object:
    module = _HOME.get(name)
    if module is None and name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home, known_as = _ELSEWHERE.get(name) or (f"{__name__}.{module}", name)
    value = getattr(import_module(home), known_as)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
