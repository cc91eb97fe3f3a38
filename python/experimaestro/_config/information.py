"""`config.__xpm__`: everything about a configuration that is not a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .data_paths import SerializationContext
    from .partials import Partial
    from .types import Argument, ObjectType


class SetInfo(NamedTuple):
    """Where a parameter got its value: `location` is file:line, `kind` explicit, default, generated or deserialized."""

    location: str
    kind: str


class ConfigInformation:
    """A view of a configuration; made anew at each access, it holds nothing itself."""

    __slots__ = ("_state", "pyobject")

    def __init__(self, pyobject: Any) -> None:
        self.pyobject = pyobject
        self._state = _core.state_of(pyobject)

    @property
    def xpmtype(self) -> ObjectType:
        """The description of the class."""
        return type(self.pyobject).__xpmtype__  # type: ignore[no-any-return]

    @property
    def values(self) -> dict[str, Any]:
        """Parameters that have a value, by name."""
        return {argument.name: value for argument, value in self.arguments()}

    def arguments(self) -> Iterator[tuple[Argument, Any]]:
        """Parameters that have a value."""
        stored = vars(self.pyobject)
        for name, argument in self.xpmtype.arguments.items():
            if name in stored:
                yield argument, stored[name]

    def xpmvalues(self, generated: bool = False) -> Iterator[tuple[Any, Any]]:
        """Pairs of parameter name and value; generated ones on request."""
        for argument, value in self.arguments():
            if generated or argument.generator is None:
                yield argument.name, value

    @property
    def task(self) -> Any:
        """The task whose output this is; a submitted task is its own."""
        return self.pyobject if self._state.submitted else self._state.task

    @property
    def job(self) -> Any:
        """The job, once the task is submitted."""
        return self._state.job

    @job.setter
    def job(self, job: Any) -> None:
        self._state.job = job
        self._state.submitted = job is not None

    @property
    def identifier(self) -> _core.Identifier:
        """The identifier, computed at need."""
        return _core.identifier(self.pyobject)

    def get_partial_identifier(self, partial: Partial) -> _core.Identifier:
        """The identifier without the parameters that a `partial(...)` leaves out."""
        from .partials import Partial

        if not isinstance(partial, Partial):
            raise TypeError(
                f"a rule made by partial(...) is expected, such as an attribute of the class, not {partial!r}"
            )
        return partial.identifier(self.pyobject)

    @property
    def meta(self) -> bool | None:
        """True: never counts; False: counts even in a `Meta` parameter; None: as the parameter says."""
        return cast("bool | None", self._state.meta)

    @property
    def loaded(self) -> bool:
        """Whether it was read from a file."""
        return cast("bool", self._state.loaded)

    @property
    def _sealed(self) -> bool:
        return cast("bool", self._state.sealed)

    @property
    def init_tasks(self) -> list[Any]:
        """Lightweight tasks that run before this one, in its job."""
        return cast("list[Any]", self._state.init_tasks)

    @property
    def pre_tasks(self) -> list[Any]:
        """Lightweight tasks that run as soon as the objects are made."""
        return cast("list[Any]", self._state.pre_tasks)

    @property
    def watched_outputs(self) -> list[Any]:
        """What `watch_output` was given."""
        return cast("list[Any]", self._state.watched)

    @property
    def concrete_typevars(self) -> dict[Any, Any]:
        """What the type variables of the class stand for here."""
        from .generics import concrete

        return concrete(self._state.type_variables)

    @property
    def _tags(self) -> dict[str, tuple[Any, str | None]]:
        return {name: (value, place) for name, value, place in self._state.tags}

    @property
    def _identifier(self) -> _core.Identifier | None:
        return _core.identifier(self.pyobject) if self._state.sealed else None

    @property
    def _generated_values(self) -> set[str]:
        return {argument.name for argument, _ in self.arguments() if argument.generator is not None}

    @property
    def dependencies(self) -> list[Any]:
        """What was given to `add_dependencies`."""
        return cast("list[Any]", self._state.dependencies)

    def tags(self) -> Any:
        """Tags of this configuration and of all below it."""
        from .tags import tags

        return tags(self.pyobject)

    def validate(self) -> None:
        """Raise unless all required parameters below are set and every `__validate__` agrees."""
        _core.validate(self.pyobject)

    def seal(self, context: Any) -> None:
        """Generate what is generated in the context, and forbid changes."""
        _core.seal(self.pyobject, context)

    def __unseal__(self) -> None:
        """Open the configuration again (not those below it)."""
        self._state.sealed = False

    def provenance_of(self, name: str) -> SetInfo:
        """Where a parameter got its value."""
        index = list(self.xpmtype.arguments).index(name)
        return SetInfo(*self._state.provenance(index))

    def mark_output(self, config: Any, dynamic: bool = False) -> Any:
        """Make a configuration an output of this task (`dynamic`: of a task that may still run); returns it."""
        from .outputs import mark_output

        return mark_output(self.pyobject, config, dynamic=dynamic)

    # --- stored form

    PARAMS_JSON_VERSION: ClassVar[int] = 3
    """Newest version of stored files that is understood, and the one that is written."""

    def __get_objects__(self, path: Any = None, context: SerializationContext | None = None) -> list[dict[str, Any]]:
        """The configuration and all below it as JSON objects, the main one last, added to `path` if that is a list."""
        from .plain import objects_of

        objects = objects_of(self.pyobject, context)
        if isinstance(path, list):
            path.extend(objects)
            return path
        return objects

    def outputjson(self, out: Any, context: SerializationContext | None = None) -> None:
        """Write `__get_objects__` as JSON into an open text file."""
        import json

        json.dump(self.__get_objects__(context=context), out)

    def serialize(self, save_directory: str | Path) -> None:
        """Save the configuration in a folder, as a bare list of objects; read with `ConfigInformation.deserialize`."""
        from .plain import serialize

        serialize(self.pyobject, save_directory)

    @staticmethod
    def deserialize(path: Any, as_instance: bool = False, partial_loading: bool | None = None) -> Any:
        """What `serialize` saved, from its folder or a function that finds files."""
        from .plain import deserialize

        return deserialize(path, as_instance, partial_loading)

    @staticmethod
    def fromParameters(  # noqa: N802 - the name is part of the public interface
        definitions: list[dict[str, Any]], as_instance: bool = True, **options: Any
    ) -> Any:
        """The main object of a list of JSON objects; see `plain.from_parameters` for the options."""
        from .plain import from_parameters

        return from_parameters(definitions, as_instance, **options)

    @staticmethod
    def load_objects(definitions: list[dict[str, Any]], as_instance: bool = True, **options: Any) -> dict[int, Any]:
        """All objects of a list of JSON objects, by number."""
        from .plain import load_objects

        return load_objects(definitions, as_instance, **options)

    @staticmethod
    def _objectFromParameters(value: Any, objects: dict[int, Any], *_: Any, **__: Any) -> Any:  # noqa: N802
        """A stored value with its references replaced by objects."""
        from .plain import value_from_json

        return value_from_json(value, objects)

    @staticmethod
    def _outputjsonvalue(value: Any, context: SerializationContext | None = None) -> Any:
        """A value in its stored form; configurations are numbered by their address."""
        from .plain import value_to_json

        return value_to_json(value, context)

    @staticmethod
    def check_params_version(params: dict[str, Any]) -> None:
        """Raise a LoadError (a RuntimeError) if the file is of a version that is not understood."""
        version = params.get("version", 0)
        if version > ConfigInformation.PARAMS_JSON_VERSION:
            raise _core.LoadError(
                f"the file has version {version}, and this release reads up to version "
                f"{ConfigInformation.PARAMS_JSON_VERSION}: upgrade experimaestro"
            )
