"""Reading the settings file, `~/.config/experimaestro/settings.yaml`.

Floor: `_run`. Imported only when there is such a file: it needs YAML.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

from experimaestro._run.lock_mode import check_lock_mode
from experimaestro._run.settings import (
    CarbonSettings,
    FolderMode,
    FolderSettings,
    HistorySettings,
    LocalSettings,
    ServerSettings,
    Settings,
    SSHSettings,
    WorkspaceSettings,
)

__all__ = ["read_settings"]

_VARIABLE = re.compile(r"\$\{(?:oc\.)?env[:.]([A-Za-z_][A-Za-z0-9_]*)\}")
_LIKENESS = 0.75  # of a key that nobody knows to one that is known, to be worth a warning


def read_settings(path: Path) -> Settings:
    """Read a settings file. Unknown keys are ignored, since other versions may know them.

    A key that looks like a misspelling of a known one is warned of.

    Raises:
        ValueError: it is not valid YAML, or a known key has a value of the wrong kind; names file, line and key.
    """
    root = _Section.of_file(path)
    settings = Settings(
        env=root.variables("env"),
        workspaces=[_workspace(entry) for entry in root.sections("workspaces")],
        local=_local(root.section("local")),
        history=_history(root.section("history")) or HistorySettings(),
        carbon=_carbon(root.section("carbon")),
        server=_server(root.section("server")),
    )
    root.finish()
    _resolve_alternatives(settings, root)
    return settings


class _Section:
    """A mapping of the file: values are taken out by name and kind; what is left over is unknown."""

    def __init__(self, path: Path, place: str, values: Any, lines: dict[str, int]) -> None:
        self.path, self.place, self.lines = path, place, lines
        if not isinstance(values, dict):
            self.fail(None, f"keys and values are expected, not {type(values).__name__}")
        self.values: dict[str, Any] = {str(key): value for key, value in values.items()}
        self.known: list[str] = []

    @classmethod
    def of_file(cls, path: Path) -> _Section:
        loader = None
        try:
            loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            lines: dict[str, int] = {}
            if node is not None:
                _note_lines(node, "", lines, path, ())
            content = loader.construct_document(node) if node is not None else {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not valid YAML: {error}") from None
        finally:
            if loader is not None:
                loader.dispose()
        return cls(path, "", _expand(content if content is not None else {}), lines)

    def fail(self, name: str | None, text: str) -> NoReturn:
        """Refuse the file, for the sake of a key or of the whole section."""
        place = self._key(name) if name is not None else self.place
        where, line = place, self.lines.get(place)
        while line is None and where:
            where = where.rpartition(".")[0]
            line = self.lines.get(where)
        at = f", line {line}" if line is not None else ""
        raise ValueError(f"{self.path}{at}: {place}{': ' if place else ''}{text}")

    def _key(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def take(self, name: str) -> Any:
        self.known.append(name)
        return self.values.get(name)

    def section(self, name: str) -> _Section | None:
        value = self.take(name)
        return None if value is None else _Section(self.path, self._key(name), value, self.lines)

    def items(self, name: str, what: str) -> list[Any]:
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(name, f"a list of {what} is expected, not {type(value).__name__}")
        return value

    def sections(self, name: str) -> list[_Section]:
        found = self.items(name, name)
        return [_Section(self.path, f"{self._key(name)}[{n}]", item, self.lines) for n, item in enumerate(found)]

    def texts(self, name: str, what: str) -> list[str]:
        return [str(item) for item in self.items(name, what)]

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            self.fail(name, f"{value!r} is not text")
        return value

    def needed(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value:
            self.fail(None, f"the key {name!r} is missing, or is not text")
        return value

    def number(self, name: str, default: Any, *, least: float, most: float = float("inf"), whole: bool = True) -> Any:
        value = self.take(name)
        if value is None:
            return default
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            bounds = f"{least} or more" if most == float("inf") else f"{least} to {most}"
            self.fail(name, f"{value!r} is not a {'whole ' if whole else ''}number ({bounds})")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fail(name, f"{value!r} is neither true nor false")
        return value

    def choice(self, name: str, choices: list[str]) -> str | None:
        value = self.take(name)
        if value is not None and value not in choices:
            self.fail(name, f"{value!r} is none of {', '.join(choices)}")
        return None if value is None else str(value)

    def variables(self, name: str) -> dict[str, str]:
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(name, f"keys and values are expected, not {type(value).__name__}")
        return {str(key): str(text) for key, text in value.items()}

    def finish(self) -> None:
        """Warn of keys that look like misspellings of those that were asked for."""
        import difflib

        for name in self.values:
            if name in self.known:
                continue
            unused = [key for key in self.known if key not in self.values]
            for close in difflib.get_close_matches(name, unused, n=1, cutoff=_LIKENESS):
                self.warn(name, f"this key is not known and is ignored; did you mean {close!r}?")

    def warn(self, name: str, text: str) -> None:
        import logging

        key = self._key(name)
        line = self.lines.get(key)
        at = f", line {line}" if line is not None else ""
        logging.getLogger("xpm").warning("%s%s: %s: %s", self.path, at, key, text)


def _note_lines(node: yaml.Node, place: str, lines: dict[str, int], path: Path, above: tuple[int, ...]) -> None:
    """Note where each key stands; a key that is given twice is a mistake that YAML would hide."""
    lines.setdefault(place, node.start_mark.line + 1)
    if id(node) in above:
        raise ValueError(f"{path}, line {node.start_mark.line + 1}: {place}: it holds itself")
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _note_lines(item, f"{place}[{number}]", lines, path, above)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            name = f"{place}.{key.value}" if place else key.value
            line = key.start_mark.line + 1
            if name in seen:
                raise ValueError(f"{path}, line {line}: {name}: this key is given twice")
            seen.add(name)
            lines[name] = line
            _note_lines(value, name, lines, path, above)


def _expand(value: Any) -> Any:
    """Replace `${env:NAME}` in every text; a variable that is not set is left as written."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value


def _local(section: _Section | None) -> LocalSettings:
    if section is None:
        return LocalSettings()
    gpus = section.take("gpus")
    if gpus is not None and not (isinstance(gpus, list) and all(isinstance(name, int | str) for name in gpus)):
        section.fail("gpus", f"{gpus!r} is not a list of devices, such as [0, 1]")
    local = LocalSettings(
        section.number("slots", None, least=1),
        section.choice("launcher", ["fork-server", "process"]),
        None if gpus is None else [str(name) for name in gpus],
    )
    section.finish()
    return local


def _history(section: _Section | None) -> HistorySettings | None:
    if section is None:
        return None
    history = HistorySettings(section.number("max_done", 5, least=0), section.number("max_failed", 1, least=0))
    section.finish()
    return history


def _carbon(section: _Section | None) -> CarbonSettings:
    if section is None:
        return CarbonSettings()
    carbon = CarbonSettings(
        section.flag("enabled", True),
        section.text("provider") or "codecarbon",
        section.text("country_iso_code"),
        section.text("region"),
        section.number("report_interval_s", 60, least=1, whole=False),
        section.flag("warn_if_unavailable", True),
    )
    section.finish()
    return carbon


def _server(section: _Section | None) -> ServerSettings:
    if section is None:
        return ServerSettings()
    server = ServerSettings(
        section.number("port", None, least=0, most=65535),
        section.text("host"),
        section.choice("autohost", ["fqdn", "name"]),
        section.text("token"),
    )
    section.finish()
    return server


def _ssh(section: _Section | None) -> SSHSettings | None:
    if section is None:
        return None
    options = section.values.get("options")
    if isinstance(options, str):
        import shlex

        section.values["options"] = shlex.split(options)
    ssh = SSHSettings(
        section.needed("host"),
        shell_init=section.text("shell_init"),
        uv_offline=section.flag("uv_offline", False),
        python=section.text("python"),
        xpm_path=section.text("xpm_path"),
        options=section.texts("options", "options"),
    )
    section.finish()
    return ssh


def _workspace(entry: _Section) -> WorkspaceSettings:
    ssh = _ssh(entry.section("ssh"))
    name, path = entry.needed("id"), entry.needed("path")
    mode = entry.take("lock_mode")
    try:
        lock_mode = check_lock_mode("inherit" if mode is None else mode)
    except ValueError as error:
        entry.fail("lock_mode", str(error))
    workspace = WorkspaceSettings(
        name,
        Path(path).expanduser().resolve() if ssh is None else path,
        env=entry.variables("env"),
        max_retries=entry.number("max_retries", 3, least=0),
        triggers=entry.texts("triggers", "patterns"),
        scheme=_scheme(entry),
        history=_history(entry.section("history")),
        folders=[_folder(folder) for folder in entry.sections("folders")],
        ssh=ssh,
        lock_mode=lock_mode,
    )
    if entry.items("alt_workspaces", "workspaces"):
        entry.warn("alt_workspaces", "older name of `folders` with `mode: use`; it still works")
    entry.finish()
    return workspace


def _scheme(entry: _Section) -> str | None:
    from experimaestro._run.scheme import check_scheme

    value = entry.take("scheme")
    if value is None:
        return None
    try:
        return check_scheme(value, f"{entry.path}: {entry.place}.scheme")
    except ValueError as error:
        raise ValueError(str(error)) from None


def _folder(entry: _Section) -> FolderSettings:
    mode = entry.choice("mode", [mode.value for mode in FolderMode])
    folder = FolderSettings(Path(entry.needed("path")).expanduser().resolve(), mode or FolderMode.USE)
    entry.finish()
    return folder


def _resolve_alternatives(settings: Settings, root: _Section) -> None:
    """Ids of other workspaces, or paths, that older files name."""
    paths = {workspace.id: workspace.path for workspace in settings.workspaces if not workspace.is_remote}
    for workspace, entry in zip(settings.workspaces, root.values.get("workspaces") or [], strict=True):
        for alternative in map(str, entry.get("alt_workspaces") or []):
            path = paths.get(alternative) or Path(alternative).expanduser().resolve()
            workspace.folders.append(FolderSettings(path, FolderMode.USE))
