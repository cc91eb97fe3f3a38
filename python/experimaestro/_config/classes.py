"""The classes that users derive from: `Config`, `Task` and their kin.

They are ordinary classes without a metaclass, so that users may mix in any other base. Everything heavy happens at
first use, in `compile.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from experimaestro import _core

from .annotations import Field, field
from .types import DEPRECATION

Class = TypeVar("Class", bound=type)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Protocol, TypedDict, overload

    from typing_extensions import Self, Unpack, dataclass_transform

    from .differences import Differences
    from .types import ObjectType

    Described = TypeVar("Described")

    class _ConfigClass:
        """The type of `A.Config`, which only the mypy plugin declares: in `Config` the name would hide the class."""

        def __get__(self, instance: object, owner: type[Described]) -> type[Described]: ...

    Output = TypeVar("Output")
    Output_co = TypeVar("Output_co", covariant=True)

    class SubmitOptions(TypedDict, total=False):
        """The parameters of `submit`, all optional."""

        workspace: Any
        """A workspace other than the one of the experiment"""
        launcher: Any
        """Where, and with what resources, to run"""
        run_mode: Any
        """Overrides the experiment's, for this task"""
        init_tasks: Iterable[LightweightTask]
        """Lightweight tasks to run in the job before this one"""
        max_retries: int | None
        """Executions in all, for resumable tasks"""
        transient: Any
        """Run only if a task that runs needs the result"""
        backup: bool | None
        """Copy the result to the backup folders of the workspace"""
        priority: int
        """Of the tasks that could start, the one with the highest priority starts first"""

    class _HasOutputs(Protocol[Output_co]):
        def task_outputs(self, dep: Any, /) -> Output_co: ...

    class _HasSubmit(Protocol[Output_co]):
        def __submit__(self, dep: Any, add_action: Any, /) -> Output_co: ...

    class _ObjectTypeAttribute:
        def __get__(self, instance: object, owner: type) -> ObjectType: ...

else:

    def dataclass_transform(**_):
        """Only type checkers look at it."""
        return lambda cls: cls


ANNOTATION_SCOPE = "__xpm_scope__"
"""Class attribute with the names visible where a class was defined inside a function."""


@dataclass_transform(kw_only_default=True, field_specifiers=(field, Field))
class Config:
    """A typed description of a part of an experiment.

    Parameters are class annotations; `A.C(x=1)` (or `A(x=1)`) makes a configuration, `config.instance()` an object.

    >>> from experimaestro import Param
    >>> class Adam(Config):
    ...     __xpmid__ = "demo.adam"
    ...     lr: Param[float] = 1e-3
    >>> Adam.C(lr=0.1).lr
    0.1
    """

    if TYPE_CHECKING:
        # Of an open generic class, `A.C` leaves the type variables open.
        C: ClassVar[type[Self]]
        XPMConfig: ClassVar[type[Self]]
        Value: ClassVar[type[Self]]
        XPMValue: ClassVar[type[Self]]
        V: ClassVar[type[Self]]
        __xpmtype__: _ObjectTypeAttribute
        __xpm__: Any
        job: Any
        jobpath: Path

        def tag(self, name: str, value: Any) -> Self: ...
        def tags(self) -> dict[str, Any]: ...
        def seal(self) -> Self: ...
        def diff(self, other: Any) -> Differences: ...
        def copy(self) -> Self: ...
        def instance(self, context: Any = None, *, objects: Any = None, keep: bool = True) -> Self: ...
        def wait(self) -> Any: ...
        def stdout(self) -> Path: ...
        def stderr(self) -> Path: ...
        def add_dependencies(self, *dependencies: Any) -> Self: ...
        def copy_dependencies(self, other: Config) -> Self: ...
        def on_completed(self, callback: Callable[[], None]) -> None: ...
        def __identifier__(self) -> Any: ...
        def __arguments__(self) -> dict[str, Any]: ...
        def __matmul__(self, inner: Config) -> Self: ...
        def to_str(self, max_depth: int = 3) -> str: ...
        @property
        def pre_tasks(self) -> list[LightweightTask]: ...
    else:
        __new__ = _core.new_object
        C = _core.ClassAttribute("config")
        Config = C
        XPMConfig = C
        Value = _core.ClassAttribute("value")
        XPMValue = V = Value
        __xpmtype__ = _core.ClassAttribute("type")

    @property
    def xpmconfig(self) -> Any:
        """The configuration that this object was made of.

        Raises:
            AttributeError: it was made without `keep=True`.
        """
        config = self.__dict__.get("__config__")
        if config is None:
            raise AttributeError(f"{self!r} has no configuration tracked: make it with instance(keep=True)")
        return config

    def add_pretasks(self, *_: Any) -> Self:
        """For configurations: see `ConfigMixin.add_pretasks`."""
        raise AssertionError(f"{self!r} is an object: pre-tasks are added to configurations")

    def add_pretasks_from(self, *_: Any) -> Self:
        """For configurations: see `ConfigMixin.add_pretasks_from`."""
        raise AssertionError(f"{self!r} is an object: pre-tasks are added to configurations")

    def register_task_output(self, method: Any, *args: Any, **kwargs: Any) -> None:
        """Announce, in a running job, an output that `method` makes of these arguments (see `watch_output`)."""
        from .watching import register_task_output

        register_task_output(self, method, args, kwargs)

    @classmethod
    def value_class(cls) -> Callable[[Class], Class]:
        """Decorator: make objects of the decorated class, which derives from this one.

        Raises:
            TypeError: it is no sub-class of this class, and of the value classes of its parents.
        """
        from .valueclass import register

        return lambda value_class: register(cls, value_class)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not any(isinstance(annotation, str) for annotation in cls.__annotations__.values()):
            return
        frame: Any = sys._getframe(1)
        while frame.f_code.co_name == "__init_subclass__" and frame.f_back is not None:
            frame = frame.f_back
        if "<locals>" in cls.__qualname__:
            # String annotations of a class in a function name things that only this frame knows.
            setattr(cls, ANNOTATION_SCOPE, frame.f_locals)
        elif frame.f_globals is not getattr(sys.modules.get(cls.__module__), "__dict__", None):
            # Executed code (a doctest) that is not the code of the module it is said to be of.
            setattr(cls, ANNOTATION_SCOPE, frame.f_globals)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Of an object; configurations have a way of their own.
        from .valueclass import reduced

        return reduced(super().__reduce_ex__(max(protocol, 2)))

    @classmethod
    def __getxpmtype__(cls) -> ObjectType:
        """The description of the class, compiled at first use."""
        return cls.__xpmtype__

    @classmethod
    def __xpm_compile__(cls) -> Any:
        from .compile import compile_class

        return compile_class(cls)

    def __post_init__(self) -> None:
        """Called on an object once its parameters are set; sub-objects come first."""

    def __validate__(self) -> None:
        """Called on a configuration before it is sealed; raise to refuse it."""

    def __xpm_output_valid__(self) -> bool | None:
        """Whether what a job of this task left is usable: True, False, or None to trust the job's marker."""
        return None

    def __xpm_serialize__(self, context: Any) -> dict[str, Any]:
        """Called on a configuration that is saved: saves its files, and says which parameter is which saved file.

        To override it, call the parent's, and add to its answer what
        `context.serialize([*context.var_path, name], path, self)` answers.
        """
        from .data_paths import serialize_data_paths

        return serialize_data_paths(self, context)


class InstanceConfig(Config):
    """A configuration that is told apart from equal ones.

    Two configurations with the same parameters are the same to an identifier. Two objects of a class that derives from
    this one are not, when something larger holds both; alone, or as the first of its kind, such an object is identified
    as any other configuration, so a class may be changed to derive from this one without running anything again.

    >>> from experimaestro import Param
    >>> class Encoder(InstanceConfig):
    ...     __xpmid__ = "doc.encoder"
    ...     dim: Param[int]
    >>> class Pair(Config):
    ...     __xpmid__ = "doc.pair"
    ...     left: Param[Encoder]
    ...     right: Param[Encoder]
    >>> one, other = Encoder.C(dim=4), Encoder.C(dim=4)
    >>> Pair.C(left=one, right=other).__identifier__() == Pair.C(left=one, right=one).__identifier__()
    False
    """


class LightweightTask(Config):
    """A configuration with an `execute` that runs inside the job of another task, before it.

    Given as `task.submit(init_tasks=[...])`.
    """

    def execute(self) -> None:
        """What the task does."""
        raise NotImplementedError(f"{type(self).__qualname__} must define execute()")


class Task(LightweightTask):
    """A configuration that can be submitted, and runs exactly once in a workspace."""

    if TYPE_CHECKING:

        @overload
        def submit(self: _HasSubmit[Output], **options: Unpack[SubmitOptions]) -> Output: ...
        @overload
        def submit(self: _HasOutputs[Output], **options: Unpack[SubmitOptions]) -> Output: ...
        @overload
        def submit(self, **options: Unpack[SubmitOptions]) -> Self: ...
        def submit(self, **options: Unpack[SubmitOptions]) -> Any:
            """Hand the task over; returns what `__submit__` or `task_outputs` makes of it, else the task itself."""

        def watch_output(self, method: Any, callback: Callable[[Any], Any]) -> Any: ...
    else:

        def submit(self, **_: Any) -> Any:
            """Tasks are submitted as configurations."""
            raise AssertionError(f"{self!r} is an object: submit the configuration, {type(self).__name__}.C(...)")


def type_identifier(cls: type[Config]) -> str:
    """The type identifier of a class: its own `__xpmid__`, or its qualified name in lower case.

    A string `__xpmid__` belongs to the class that defines it; a class method is asked by every subclass.

    Raises:
        ValidationError: it is not Unicode text, or a task's cannot be the name of a folder.
        AssertionError: it is no string, or a job could not import the class.
    """
    deprecation = cls.__dict__.get(DEPRECATION)
    if deprecation is not None:
        return type_identifier(deprecation.target)
    identifier = declared_identifier(cls)
    mistake = _mistake(identifier, names_folder=issubclass(cls, Task))
    if mistake is not None:
        raise _core.ValidationError(
            f"the identifier {identifier!r} of {cls.__module__}.{cls.__qualname__} {mistake}: "
            'give the class another, such as __xpmid__ = "my.task"'
        )
    return identifier


def declared_identifier(cls: type[Config]) -> str:
    """The type identifier that a class gives itself, whether it is deprecated or not."""
    own = cls.__dict__.get("__xpmid__")
    inherited = getattr(cls, "__xpmid__", None)
    if isinstance(own, str):
        return own.lower()
    if own is not None and not callable(own) and not isinstance(own, (classmethod, staticmethod)):
        raise AssertionError(
            f"__xpmid__ of {cls.__module__}.{cls.__qualname__} must be a string or a class method, not {own!r}"
        )
    if callable(inherited) and not _is_identifier_builder(inherited):
        computed = inherited()
        if not isinstance(computed, str):
            raise AssertionError(
                f"__xpmid__() of {cls.__module__}.{cls.__qualname__} must return a string, not {computed!r}"
            )
        return computed.lower()
    if own is not None:
        return str(own).lower()
    if "<locals>" in cls.__qualname__ and not getattr(sys, "_called_from_test", False):
        raise AssertionError(
            f"{cls.__module__}.{cls.__qualname__} is defined within functions: a job could not import it. Move it to "
            'the top level of its module, or give it an __xpmid__ = "some.name"'
        )
    module = "__main__" if cls.__module__ in MAIN_MODULES else cls.__module__
    return f"{module}.{cls.__qualname__}".lower()


_LONGEST_IDENTIFIER = 200
"""Bytes: file systems allow 255 in a name, and the files of a job add their endings to it."""


def _mistake(identifier: str, *, names_folder: bool) -> str | None:
    """Why a type identifier cannot be used; None when it can."""
    try:
        size = len(identifier.encode())
    except UnicodeEncodeError:
        return "is not Unicode text"
    if not names_folder:
        return None
    if identifier.endswith(".") or not identifier:
        return "has no name after its last dot, which is what the files of a job are named after"
    if "/" in identifier or not identifier.isprintable():
        return "cannot name the folder of its jobs: it has a '/' or a character that cannot be printed"
    if size > _LONGEST_IDENTIFIER:
        return f"is too long to name the folder of its jobs: {size} bytes, at most {_LONGEST_IDENTIFIER} are possible"
    return None


MAIN_MODULES = ("__main__", "_main_", "__mp_main__")
"""Names under which a top-level script may be loaded: its classes have one type identifier."""


def _is_identifier_builder(value: Any) -> bool:
    return type(value).__name__ == "Identifier" and type(value).__module__.startswith("experimaestro")
