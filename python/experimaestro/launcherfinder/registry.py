"""The user's launchers: `launchers.py`, `connectors.yaml` and `tokens.yaml` in the configuration folder.

Floor: `_run`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from experimaestro.exceptions import ExperimaestroError
from experimaestro.launcherfinder.parser import parse
from experimaestro.launcherfinder.specs import HostRequirement, HostSimpleRequirement, RequirementUnion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from experimaestro._run.launching import Connector, Launcher
    from experimaestro._run.tokens import CounterToken

__all__ = ["LauncherNotFoundError", "LauncherRegistry", "find_launcher"]

_FILE = "launchers.py"


class LauncherNotFoundError(ExperimaestroError, RuntimeError):
    """No launcher has what was asked for."""


class LauncherRegistry:
    """The launchers of a configuration folder.

    `launchers.py` in it defines `find_launcher(requirements: HostRequirement, tags: set[str])`, whose result is a
    launcher or None. Without that file, everything runs on this machine.

    Args:
        directory: the configuration folder.
    """

    _instance: ClassVar[LauncherRegistry | None] = None
    _directory: ClassVar[Path | None] = None

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._find: Callable[..., Any] | None = None

    @classmethod
    def instance(cls) -> LauncherRegistry:
        """Return the registry of the configuration folder, read once."""
        if LauncherRegistry._instance is None:
            from experimaestro._run.settings import settings_path

            LauncherRegistry._instance = LauncherRegistry(LauncherRegistry._directory or settings_path().parent)
        return LauncherRegistry._instance

    @classmethod
    def set_config_dir(cls, directory: str | os.PathLike[str]) -> None:
        """Use another configuration folder from now on."""
        LauncherRegistry._directory = Path(directory)
        LauncherRegistry._instance = None

    def find(self, *specs: str | HostRequirement, tags: Collection[str] = frozenset()) -> Launcher | None:
        """Find a launcher.

        Args:
            specs: requirements, or texts of requirements, preferred ones first.
            tags: handed to the user's function.

        Returns:
            What the user's function gives for the first of the requirements that it has something for; else None.

        Raises:
            RequirementError: a text is no requirement.
            ExperimaestroError: `launchers.py` cannot be used.
        """
        requirements = [_requirement(spec) for spec in specs]
        function = self._function()
        if function is None:
            return _on_this_machine(requirements)
        from experimaestro._run.launching import Launcher

        for requirement in requirements:
            launcher = function(requirement, set(tags))
            if launcher is None:
                continue
            if not isinstance(launcher, Launcher):
                raise ExperimaestroError(
                    f"find_launcher of {self.directory / _FILE} returned {launcher!r}: a launcher or None is expected"
                )
            return launcher
        return None

    def _function(self) -> Callable[..., Any] | None:
        path = self.directory / _FILE
        if self._find is None and path.is_file():
            from importlib.util import module_from_spec, spec_from_file_location

            spec = spec_from_file_location("experimaestro_user_launchers", path)
            if spec is None or spec.loader is None:
                raise ExperimaestroError(f"{path} cannot be imported")
            module = module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except Exception as error:
                raise ExperimaestroError(f"{path} cannot be used: {type(error).__name__}: {error}") from error
            self._find = getattr(module, "find_launcher", None)
            if not callable(self._find):
                raise ExperimaestroError(f"{path} must define the function find_launcher(requirements, tags)")
        return self._find

    def _yaml(self, name: str, section: str) -> dict[str, Any]:
        path = self.directory / name
        if not path.is_file():
            return {}
        import yaml

        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            found = content.get(section) or {}
            return dict(found)
        except (yaml.YAMLError, AttributeError, TypeError, ValueError, OSError) as error:
            raise ExperimaestroError(f"{path} cannot be read: {error}") from error

    def getConnector(self, identifier: str) -> Connector:  # noqa: N802 - the name that projects use
        """Return the connector of this name; `local` is this machine (AssertionError when it is unknown)."""
        if identifier == "local":
            from experimaestro._run.launching import LocalConnector

            return LocalConnector.instance()
        known = self._yaml("connectors.yaml", "ssh")
        raise AssertionError(
            f"no connector is called {identifier!r} in {self.directory / 'connectors.yaml'}"
            if identifier not in known
            else f"the connector {identifier!r} is reached over SSH, which this version cannot do yet"
        )

    def getToken(self, identifier: str) -> CounterToken:  # noqa: N802 - the name that projects use
        """Return the token of this name in `tokens.yaml` (AssertionError when it is unknown).

        It is one of this machine: all experiments share it.
        """
        known = self._yaml("tokens.yaml", "countertoken")
        if identifier not in known:
            raise AssertionError(f"no token is called {identifier!r} in {self.directory / 'tokens.yaml'}")
        from experimaestro._run.launching import LocalConnector
        from experimaestro._run.tokens import CounterToken

        units = known[identifier].get("tokens") if isinstance(known[identifier], dict) else None
        if not isinstance(units, int):
            raise ExperimaestroError(
                f"{self.directory / 'tokens.yaml'}: countertoken.{identifier}.tokens must be a whole number"
            )
        path = LocalConnector.instance().localpath / "tokens" / f"{identifier}.counter"
        return CounterToken.create(identifier, path, units)


def _on_this_machine(requirements: list[HostRequirement]) -> Launcher:
    """A launcher whose jobs take what the preferred requirement says, as far as this machine has it."""
    from experimaestro._run.launching import DirectLauncher

    simple = [choice for requirement in requirements for choice in requirement.requirements]
    if not simple or not (simple[0].cpu.cores > 1 or simple[0].accelerators):
        return DirectLauncher()
    from experimaestro._run.engine import get_engine

    engine = get_engine()
    gpus = min(len(simple[0].accelerators), len(engine.gpus))
    return DirectLauncher(slots=min(max(1, simple[0].cpu.total_cores(gpus)), engine.slots), gpus=gpus)


def _requirement(spec: str | HostRequirement) -> HostRequirement:
    if isinstance(spec, HostSimpleRequirement):
        return RequirementUnion(spec)
    return spec if isinstance(spec, HostRequirement) else parse(spec)


def find_launcher(*specs: str | HostRequirement, tags: Collection[str] = frozenset()) -> Launcher:
    """Find a launcher that has what a task needs.

    Args:
        specs: requirements, or texts of requirements (`"duration=1h & cuda(mem=8G)"`), preferred ones first.
        tags: handed to the function `find_launcher` of the user's `launchers.py`.

    Returns:
        A launcher; without `launchers.py`, that of this machine.

    Raises:
        LauncherNotFoundError: nothing has what was asked for.
        RequirementError: a text is no requirement.
    """
    registry = LauncherRegistry.instance()
    launcher = registry.find(*specs, tags=tags)
    if launcher is None:
        raise LauncherNotFoundError(
            f"no launcher of {registry.directory / _FILE} has {' or '.join(map(str, specs))}"
            + (f" with the tags {', '.join(sorted(tags))}" if tags else "")
        )
    return launcher
