"""The compiled module: written by hand, checked by stubtest.

Three rooms: configurations (rust/py/src/config), running (rust/py/src/running), errors (rust/py/src/errors.rs).
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Literal, TypedDict, final

__version__: str

# --- errors -------------------------------------------------------------------------------------------------------

class ExperimaestroError(Exception):
    """Base class of every error that this package raises on purpose."""

class ValidationError(ExperimaestroError, TypeError, ValueError):
    """A value does not fit its parameter."""

    loc: tuple[Any, ...]
    """Place inside the value: indices and keys; absent when there is none."""
    def errors(self) -> list[dict[str, Any]]:
        """One entry: `loc`, `msg`, `type`."""

class SealedError(ExperimaestroError, AttributeError):
    """A sealed configuration, a constant or a generated value was to be changed."""

class LoadError(ExperimaestroError, RuntimeError):
    """A stored file cannot be read: damaged, of a newer version, or its class is gone."""

class UnknownFieldError(LoadError, KeyError):
    """A stored object has a field that its class does not have."""

class MissingClassError(LoadError, AttributeError):
    """The module of a stored object has no such class."""

class MissingModuleError(LoadError, ModuleNotFoundError):
    """The module of a stored object cannot be imported."""

class MissingFileError(LoadError, FileNotFoundError):
    """There is no stored file in this folder."""

class WorkspaceError(ExperimaestroError, RuntimeError):
    """A workspace cannot be used: missing, not writable, of another scheme."""

class ClaimLost(ExperimaestroError, RuntimeError):
    """This attempt of a job is no longer ours: somebody else took over, or it was already done."""

# --- configurations -----------------------------------------------------------------------------------------------

TypeTuple = tuple[Any, ...]
"""A parameter type in tuple form, e.g. `("list", ("int",))`: see `_config/typespec.py`."""

class AttributeValidationError(ValidationError, AttributeError):
    """None for a required parameter, or a value object where a configuration is expected."""

class ConfigBase:
    """Base of every generated configuration class: attribute access that validates."""

    __xpmtype__: ClassVar[Any]
    def __setattr__(self, name: str, value: Any, /) -> None: ...
    def __delattr__(self, name: str, /) -> None: ...

@final
class Schema:
    """A class, compiled once."""

    def __new__(
        cls,
        type_id: str,
        class_: type,
        config_class: type,
        value_class: type,
        arguments: list[Any],
        object_type: Any,
        *,
        is_task: bool,
        is_lightweight: bool,
        lifecycle: tuple[bool, bool, bool, bool],
        is_instance: bool = False,
    ) -> Schema: ...
    @property
    def type_id(self) -> str: ...
    @property
    def object_type(self) -> Any: ...
    @property
    def config_class(self) -> type: ...
    @property
    def is_task(self) -> bool: ...
    @property
    def is_lightweight(self) -> bool: ...
    @property
    def value_class(self) -> type: ...
    def set_value_class(self, class_: type, lifecycle: tuple[bool, bool, bool]) -> None:
        """Make instances of another class from now on."""
    def coerce(self, name: str, value: Any) -> Any:
        """The value to store for a parameter; raises ValidationError if it does not fit."""

@final
class ConfigState:
    """Everything that a configuration holds and that is not a parameter."""

    sealed: bool
    submitted: bool
    meta: bool | None
    task: Any
    job: Any
    init_tasks: list[Any]
    init_barriers: list[int]
    """Init tasks, by position, whose tags are not collected."""
    pre_tasks: list[Any]
    type_variables: Any
    """What the type variables of the class stand for: see `_config/generics.py`."""
    deprecated_from: Any
    """The configuration of a deprecated class that this one was made in place of."""
    dependencies: list[Any]
    watched: list[Any]
    @property
    def schema(self) -> Schema: ...
    @property
    def loaded(self) -> bool: ...
    @property
    def digest(self) -> list[int] | None: ...
    @property
    def tags(self) -> list[tuple[str, Any, str | None]]:
        """Own tags: name, value, `file:line`."""
    def provenance(self, index: int) -> tuple[str, str]:
        """`(location, kind)` of a parameter, kind being explicit, default, generated or deserialized."""
    def location(self) -> str | None:
        """`file:line` where the configuration was made."""

@final
class ClassAttribute:
    """`A.C`, `A.XPMValue`, `A.__xpmtype__`: what the schema of the class says, compiled at first use."""

    def __new__(cls, which: Literal["config", "value", "type"]) -> ClassAttribute: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

@final
class TaskStub(ConfigBase):
    """A linked task that was not loaded: its identifier (hexadecimal) and the name of its class."""

    def __new__(cls, identifier: str, typename: str) -> TaskStub: ...
    @property
    def identifier(self) -> str: ...
    @property
    def typename(self) -> str: ...
    job: ClassVar[None]
    @property
    def __xpm_state__(self) -> ConfigState: ...
    def __identifier__(self) -> Identifier: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class UnsetParameter:
    """Stands on the configuration class under the name of each parameter."""

    def __new__(cls, name: str) -> UnsetParameter: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

@final
class TaggedValue:
    """A value with a mark for the parameter that it is given to: `tag(value)`, `stop_tags(value)`."""

    def __new__(cls, value: Any, *, stops: bool = False) -> TaggedValue: ...
    @property
    def value(self) -> Any: ...
    @property
    def stops(self) -> bool: ...

@final
class Identifier:
    """What identifies a configuration: the digest of its canonical bytes."""

    @property
    def all(self) -> bytes: ...
    @property
    def main(self) -> bytes: ...
    @property
    def has_loops(self) -> bool:
        """Whether the configuration leads back to itself, by what counts; false of one that was only read as text."""
    def hex(self) -> str: ...
    def state_dict(self) -> str: ...
    @staticmethod
    def from_state_dict(state: str | dict[str, Any]) -> Identifier: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def short_text(value: Any) -> str:
    """`repr(value)` cut to one short line; made whatever the value's own code does."""

def new_object(cls: type, *args: Any, **kwargs: Any) -> Any:
    """The `__new__` of every class: makes a configuration."""

def construct(cls: type, values: dict[str, Any]) -> Any:
    """A configuration made by the package on behalf of the user's line that called it."""

def state_of(value: Any) -> Any:
    """The `ConfigState` of a configuration; None for anything else."""

def coerce(spec: TypeTuple, value: Any) -> Any:
    """The value to store for a type; raises ValidationError if it does not fit."""

def identifier(config: Any, *, keep: bool = False, own: bool = False) -> Identifier:
    """The identifier of a configuration, under the scheme of the current workspace; `own`: that of this package's scheme.

    `keep` stores the digests of all that was walked, for a seal that follows.
    """

def legacy_identifier(config: Any, scheme: str, *, store: bool = False) -> Identifier:
    """The identifier under `sha256-v1` or `sha256-v2`; with `store` it stays that of the configuration, if sealed next."""

def use_scheme(scheme: str) -> None:
    """Make identifiers of this scheme from now on."""

def record_scheme(workspace: str, scheme: str) -> None:
    """Make a folder a workspace and record its scheme; WorkspaceError if another one is recorded."""

def partial_identifier(config: Any, left_out: set[str]) -> Identifier:
    """The identifier that a configuration would have if its class lacked some parameters."""

def validate(config: Any) -> None:
    """Check that every required parameter below is set, and call the users' `__validate__`, sub-configurations first."""

def seal(config: Any, context: Any, *, identified: bool = False) -> None:
    """Generate what is generated at sealing, and seal all that can be reached."""

def task_dependencies(config: Any) -> list[Any]:
    """The tasks that must be done before this one."""

def mark_output(config: Any, task: Any, dynamic: bool = False) -> None:
    """Link an output to the task that makes it."""

def add_tag(config: Any, name: str, value: Any) -> None: ...
def tags(config: Any, factory: Callable[[dict[str, Any]], Any]) -> Any:
    """Tags of a configuration and of all below it, as `factory(dict)`."""

def objects_json(
    configs: list[Any],
    workspace: str | None = None,
    directory: str | None = None,
    files: dict[int, dict[str, Any]] | None = None,
) -> bytes:
    """Configurations as a JSON array of objects, each main one after all that it needs."""

def params_json(config: Any, workspace: str, directory: str, tags: dict[str, Any]) -> bytes: ...

@final
class Ancestors:
    """The files of the jobs of a run, and what they have in common (docs/serialization.md)."""

    def __new__(cls, workspace: str, experiment: str, run: str, *, most: int | None = None) -> Ancestors:
        """What a task is made of is in its own file up to `most` objects beyond the first tasks.

        By default, as many as `XPM_MOST_ANCESTORS` says, else 128.
        """

    def job_files(self, config: Any, task_id: str, identifier: str, tags: dict[str, Any]) -> tuple[bytes, bytes]:
        """Content of a job's `params.json` and `identity.json`; puts what they refer to into the job's folder."""

@final
class AncestorFile:
    """What a `params.json` refers to, and the objects that were made of it."""

    def complete(self, at: int, number: int, object: Any) -> None:
        """Turn a stand-in into the object that it stands for."""

    def tasks_of(self, at: int, number: int) -> list[Any]:
        """The submitted tasks that an object, with all that it needs at once, refers to: stand-ins, or they themselves."""

def new_value(class_: type, *args: Any) -> Any:
    """A value without attributes: what `class_.__new__(class_, *args)` gives where no configuration is made."""

def identity_json(config: Any) -> bytes:
    """What was hashed, readable (docs/identifiers.md)."""

def sources_json(configs: list[Any]) -> bytes:
    """Where the values come from and what counts, by the numbers that `state_json` gives the same list."""

def load_objects(
    data: bytes,
    resolver: Callable[[str, str, str | None], type],
    workspace: str | None = None,
    directory: str | None = None,
    *,
    as_instance: bool = True,
    partial: bool | None = None,
    every: bool = False,
    loader: Callable[[Any], Any] | None = None,
) -> tuple[Any, list[Any], dict[str, Any]]:
    """Build the objects of stored JSON: `(result, tasks to run before it, envelope)`; docs/serialization.md."""

def state_json(
    data: Any,
    workspace: str | None = None,
    directory: str | None = None,
    files: dict[int, dict[str, Any]] | None = None,
) -> bytes:
    """`{"objects": .., "data": ..}`: configurations in containers or alone, with all that they need."""

def data_owners(data: Any, default: Any) -> list[tuple[Any, list[str]]]:
    """Configurations with files of their own, each with the names that lead to it."""

def configurations_in(data: Any) -> list[Any]:
    """Configurations that are reached without passing through another one."""

def build_instance(config: Any, store: dict[int, tuple[Any, Any]], keep: bool) -> Any: ...
def copy_changed(config: Any, changes: dict[str, Any]) -> Any: ...
def set_unchecked(config: Any, name: str, value: Any) -> None: ...
def reachable_configurations(config: Any) -> list[Any]: ...
def empty_copy(config: Any) -> Any: ...
def export_state(config: Any) -> dict[str, Any]: ...
def export_tasks(config: Any) -> tuple[Any, list[Any], list[Any]] | None: ...
def import_state(cls: type, data: dict[str, Any]) -> Any: ...
def import_tasks(config: Any, tasks: tuple[Any, list[Any], list[Any]]) -> None: ...

# --- running ------------------------------------------------------------------------------------------------------

State = Literal["unscheduled", "transient", "waiting", "ready", "scheduled", "running", "done", "error"]
Reason = Literal[
    "DEPENDENCY",
    "FAILED",
    "MEMORY",
    "TIMEOUT",
    "CANCELLED",
    "REJECTED_TIMELIMIT",
    "REJECTED_OTHER",
    "MISSING_OUTPUTS",
    "DELETED",
]

class Launch(TypedDict):
    """What a job needs to start; asked of Python only when the job must run."""

    params: bytes  # params.json
    identity: bytes  # identity.json
    environment: dict[str, str]  # overlaid on the driver's environment
    python_path: list[str]  # put in front of sys.path

class Retries(TypedDict, total=False):
    """How often a job is tried again by itself, with a budget for each cause; never for what its own code does."""

    resumable: bool  # it goes on where an earlier attempt stopped
    max_retries: int  # executions of a resumable job in all, at its time limit; 3
    preempted: int  # times that it starts again after its place was given to somebody else; 10
    lost: int  # ... after its process or host vanished; 2
    memory: int  # ... after there was no more memory; 0
    memory_growth: float  # memory of the next attempt over that of the one that had too little; 1.0

@final
class Engine:
    """Drives the jobs of this process. One is enough for any number of workspaces and runs; threads start lazily.

    After a fork the child must not use it (raises ExperimaestroError).
    """

    def __new__(
        cls,
        *,
        slots: int | None = None,
        gpus: Sequence[str] = ...,
        launcher: Literal["fork-server", "process"] | None = None,
        python: str | None = None,
        grace: float | None = None,
    ) -> Engine:
        """`grace` is how long, in seconds, a job that was asked to stop may take to do so (`XPM_KILL_GRACE`; 30)."""
    @property
    def slots(self) -> int: ...
    @property
    def gpus(self) -> list[str]: ...
    def open_run(
        self,
        workspace: str,
        experiment: str,
        *,
        on_wait: Callable[[str], None] | None = None,
        environment: str | None = None,
    ) -> Run:
        """Lock the experiment, create a run directory and its journal. `on_wait` gets the holder's host once if the lock is taken.

        Creates the workspace marker when missing; raises WorkspaceError when the folder cannot be used.
        """
    def resume_run(
        self,
        workspace: str,
        experiment: str,
        *,
        run_id: str | None = None,
        again: list[tuple[str, str]] = ...,
        on_wait: Callable[[str], None] | None = None,
    ) -> Run:
        """Go on with a run whose driver has left (the current one by default): jobs that have not ended run; those in error
        only if their task and identifier are among `again`. Raises WorkspaceError when there is no such run."""
    def submit(
        self,
        *,
        workspace: str,
        task_id: str,
        identifier: str,
        launch: Callable[[], Launch],
        dependencies: Sequence[JobHandle] = ...,
        run: Run | None = None,
        tags: Mapping[str, Any] | None = None,
        priority: int = 0,
        retries: Retries | None = None,
        transient: Literal["none", "transient", "remove"] = "none",
        slots: int = 1,
        gpus: int = 0,
        leases: Sequence[tuple[str, int]] = ...,
        judge: Callable[[], bool | None] | None = None,
        backup: bool = True,
    ) -> JobHandle:
        """Hand a job over; returns at once. A job already known to this process (same workspace, task id, identifier) is
        returned as it is, joined to the run; it starts again only if it was in error, or was not needed and now is. The more
        patient `retries`, the less transient mode and the higher priority hold. `judge()` is asked when the job's folder is
        looked at: True adopts its outputs without running, False runs it whatever its marker says. `backup` is only written
        down with the run, for whoever goes on with it."""
    def generate(self, workspace: str, task_id: str, identifier: str, launch: Callable[[], Launch]) -> None:
        """Write the files of a job directory (params.json, `<name>.py`, identity.json) without running anything.

        A job that is done or running is left as it is. Raises WorkspaceError when the folder cannot be used."""
    def inspect(self, workspace: str, task_id: str, identifier: str) -> tuple[State, Reason | None]:
        """State of a job as the disk tells it (for dry runs); reads, never writes."""
    def wait(self, handles: Sequence[JobHandle], timeout: float | None = None) -> bool:
        """Wait until all have ended; true if so. Releases the GIL, lets Ctrl-C through within 100 ms."""

@final
class Run:
    """One run of one experiment: its folder, lock and journal."""

    @property
    def run_id(self) -> str: ...
    @property
    def path(self) -> str: ...
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no job of this run is unfinished."""
    def wait_until_planned(self, timeout: float | None = None) -> bool:
        """Wait until how each job starts is written down, unless it has ended or runs: another process can go on then."""
    def counts(self) -> dict[State, int]: ...
    def jobs(self) -> list[JobHandle]: ...
    def events(self, timeout: float | None = None) -> list[tuple[JobHandle, State]]:
        """State changes since the last call, in order; blocks up to timeout for the first one. After `close`: what remains, then []."""
    def fail_fast(self, limit: int | None = 1) -> None:
        """Start no more jobs once so many failed of the same cause (exception and place); None never gives up."""
    def close(self, status: Literal["completed", "failed", "detached"]) -> None:
        """Write the final status, flush the journal, release the lock. Running jobs are left alive."""

class FailureOrigin(TypedDict):
    """The exception that ended an attempt: failures of the same type and place are one mistake."""

    type: str
    message: str
    place: str | None  # file:line in the user's code

@final
class JobHandle:
    """A job known to the engine."""

    @property
    def path(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def identifier(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def message(self) -> str | None:
        """Why it failed, in one line."""
    @property
    def error(self) -> FailureOrigin | None:
        """The exception that ended it."""
    @property
    def exit_code(self) -> int | None: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def started(self) -> float | None: ...
    @property
    def ended(self) -> float | None: ...
    @property
    def adopted(self) -> bool:
        """True when the job was found running, and re-attached to, rather than started by this process."""
    @property
    def reused(self) -> bool:
        """True when it was found done."""
    @property
    def retries(self) -> int:
        """How many of its attempts failed, as far as they count as tries."""
    @property
    def line(self) -> str | None:
        """Folder of the token in whose line it stands, while it does."""
    def kill(self) -> bool: ...

@final
class Attempt:
    """The job process's side of the claim protocol (docs/architecture.md)."""

    @staticmethod
    def begin(directory: str, number: int | None = None) -> Attempt:
        """Win `n.run` for this process. `number=None` (by hand) takes a claim first. Raises ClaimLost when the attempt was abandoned,
        is running elsewhere, or the job is done."""
    @staticmethod
    def know_machine() -> None:
        """Read once what tells this machine from others: children that are forked from now on know it."""
    @property
    def number(self) -> int: ...
    def is_mine(self) -> bool:
        """False once the attempt was declared lost."""
    def finish(
        self,
        outcome: Literal["done", "failed", "timeout", "cancelled", "memory"],
        *,
        code: int = 0,
        message: str | None = None,
        error: tuple[str, str, str | None] | None = None,
    ) -> None:
        """`error` is the exception: its type, its text, its place. Win `n.end`, write the marker, remove the pid file. Raises ClaimLost if the attempt was taken over."""

class TokenHolder(TypedDict):
    """One ticket in the line of a token."""

    ticket: int
    units: int
    granted: bool  # False: waits
    job: str | None  # folder of the job
    attempt: int | None  # None while the ticket is its driver's
    host: str | None
    pid: int | None  # of the driver that asked
    since: float | None

class TokenState(TypedDict):
    total: int
    available: int  # what a new request could have at once
    holders: list[TokenHolder]  # in the order of asking

def token_open(path: str, total: int, *, force: bool = False) -> int:
    """Make a token of a folder; its total, which is that of the first who made it unless forced."""

def token_state(path: str) -> TokenState:
    """Who has units of a token, and who waits. Reads, never writes: holders that are dead for certain are left out."""

def token_release(path: str, ticket: int) -> None:
    """Give a ticket back for a holder that cannot: its job may run on, and is then one too many."""

def fault_point(operation: str, path: str) -> None:
    """A place where a test may kill or stop this process, or fill the disk (OSError). Does nothing unless XPM_FAULT is set."""

def report_progress(directory: str, level: int, value: float, description: str | None) -> None:
    """Append one line to the job's progress file."""

class ProgressLevel(TypedDict):
    level: int
    value: float
    description: str | None

def read_progress(directory: str) -> list[ProgressLevel]: ...

class JobRow(TypedDict):
    """One job of one run, as journals and evidence tell."""

    experiment: str
    run_id: str
    task_id: str
    identifier: str
    path: str
    state: State
    reason: Reason | None
    message: str | None
    error: FailureOrigin | None
    tags: dict[str, Any]
    dependencies: list[int]
    """Places among the jobs of the run."""
    archived: bool
    """Whether it is to be copied to other folders of the workspace once it is done."""
    submitted: float | None
    started: float | None
    ended: float | None

class RunRow(TypedDict):
    experiment: str
    run_id: str
    current: bool
    status: str  # running, completed, failed, detached, or unknown (its driver is gone)
    host: str | None
    started: float | None
    ended: float | None
    total: int
    done: int
    failed: int

def list_runs(workspace: str, experiment: str | None = None) -> list[RunRow]: ...
def list_jobs(workspace: str, experiment: str | None = None, run_id: str | None = None) -> list[JobRow]:
    """Jobs of the current run of each experiment (or of the given one), in submission order. Reads, never writes."""

def find_jobs(workspace: str, prefix: str) -> list[str]:
    """Job directories whose `task id/identifier` or identifier starts with the prefix."""

def kill_job(directory: str | PathLike[str]) -> bool:
    """Send SIGTERM to the process that runs a job, whoever started it; false when none of this host is known to."""

def exchange(path: str | PathLike[str], other: str | PathLike[str]) -> None:
    """Let two names change places at one moment (OSError where the file system cannot: Linux, most local disks can)."""
