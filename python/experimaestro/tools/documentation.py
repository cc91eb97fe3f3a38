"""Which configurations of a package its documentation forgets, and which it invents."""

from __future__ import annotations

import pkgutil
import re
import zlib
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from experimaestro import Config

_DIRECTIVE = re.compile(r"^(?P<indent>\s*)\.\.\s+(?P<name>[\w:]+)::\s*(?P<argument>.*?)\s*$")
_ENTRY = re.compile(r"^(?:.*<(?P<target>[^<>]+)>|(?P<plain>[^<>]+))$")


class DocumentationAnalyzer:
    """Compares a documentation in reStructuredText with the configurations of some packages.

    Args:
        doc_path: first page; the pages named in its `toctree` directives are read too.
        modules: names of packages.
        excluded: names of modules (with all below them) and of classes that need no documentation.

    Attributes:
        documented: names of the configurations that the pages document.
        undocumented: names of those that they do not.
        falsy_documented: documented names that are no configuration.
        documentation_errors: modules that could not be imported, with the reason.
        parsing_errors: what is wrong in the pages.
    """

    def __init__(self, doc_path: Path | str, modules: Iterable[str], excluded: Iterable[str] = ()) -> None:
        self.doc_path = Path(doc_path)
        self.modules = [modules] if isinstance(modules, str) else list(modules)
        self.excluded = set(excluded)
        self.documented: set[str] = set()
        self.undocumented: list[str] = []
        self.falsy_documented: list[str] = []
        self.documentation_errors: list[str] = []
        self.parsing_errors: list[str] = []

    def analyze(self) -> None:
        """Read the pages and the packages."""
        self.documented.clear()
        self.parsing_errors, self.documentation_errors, self.falsy_documented = [], [], []
        self._read(self.doc_path, set())
        found, self.documentation_errors = configurations(self.modules, self.excluded)
        self.undocumented = sorted(found - self.documented)

    def report(self) -> None:
        """Print what is wrong; nothing when all is well."""
        for title, names in self._findings():
            if names:
                print(f"{title}:")
                print("".join(f"  {name}\n" for name in names), end="")

    def assert_no_undocumented(self) -> None:
        """Raise `AssertionError` with the list of the configurations without documentation."""
        _refuse("configurations without documentation", self.undocumented)

    def assert_valid_documentation(self) -> None:
        """Raise `AssertionError` unless the pages are right and the packages can be imported."""
        for title, names in self._findings()[1:]:
            _refuse(title, names)

    def _findings(self) -> list[tuple[str, list[str]]]:
        return [
            ("configurations without documentation", self.undocumented),
            ("documented, but no configuration", self.falsy_documented),
            ("modules that cannot be imported", self.documentation_errors),
            ("errors in the pages", self.parsing_errors),
        ]

    def _read(self, path: Path, seen: set[Path]) -> None:
        """One page and those below it."""
        if path in seen:
            return
        seen.add(path)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            self.parsing_errors.append(f"{path}: {error}")
            return
        module = None
        for number, directive, argument, content in _directives(lines):
            if directive == "toctree":
                for entry in content:
                    self._follow(path, number, entry, seen)
            elif directive in ("currentmodule", "py:currentmodule", "module", "py:module", "automodule"):
                module = argument or None
            elif directive in ("autoxpmconfig", "py:xpmconfig", "xpmconfig"):
                self._document(f"{path}:{number}", argument.partition("(")[0], module)

    def _follow(self, path: Path, number: int, entry: str, seen: set[Path]) -> None:
        match = _ENTRY.match(entry)
        if entry.startswith(":") or match is None or "://" in entry:
            return
        target = (match["target"] or match["plain"]).strip()
        if target == "self":
            return
        root = self.doc_path.parent if target.startswith("/") else path.parent
        page = root / target.lstrip("/")
        if any(character in target for character in "*?["):
            for each in sorted(root.glob(target.lstrip("/"))):
                self._read(each, seen)
        elif page.suffix in (".rst", ".txt") and page.is_file():
            self._read(page, seen)
        elif (named := page.with_name(f"{page.name}.rst")).is_file():
            self._read(named, seen)
        elif not page.with_name(f"{page.name}.md").is_file():
            self.parsing_errors.append(f"{path}:{number}: toctree entry {target!r}: no such page")

    def _document(self, place: str, name: str, module: str | None) -> None:
        cls = _find(name, module)
        if cls is None:
            self.falsy_documented.append(f"{name} ({place})")
        else:
            self.documented.add(f"{cls.__module__}.{cls.__qualname__}")


def configurations(modules: Iterable[str], excluded: Iterable[str] = ()) -> tuple[set[str], list[str]]:
    """Names of the public configuration classes that packages define, and the modules that fail to import.

    Args:
        modules: names of packages or modules.
        excluded: modules (with all below them) and classes to leave out.
    """
    found: set[str] = set()
    failures: list[str] = []
    skipped = set(excluded)
    for name in modules:
        for module in _modules(name, skipped, failures):
            found.update(set(_public_classes(module, module.__name__)) - skipped)
    return found, failures


def _public_classes(owner: ModuleType | type, module: str) -> Iterator[str]:
    """Names of the configurations that a module, or a class in it, defines."""
    for name, value in list(vars(owner).items()):
        if name.startswith("_") or not isinstance(value, type) or value.__module__ != module:
            continue
        if isinstance(owner, type) and not value.__qualname__.startswith(f"{owner.__qualname__}."):
            continue
        if issubclass(value, Config):
            yield f"{module}.{value.__qualname__}"
        yield from _public_classes(value, module)


def _modules(name: str, excluded: set[str], failures: list[str]) -> Iterator[ModuleType]:
    if name in excluded or name.rpartition(".")[2] == "__main__":
        return
    try:
        module = import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises is reported with its name
        failures.append(f"{name}: {type(error).__name__}: {error}")
        return
    yield module
    for below in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _modules(f"{name}.{below.name}", excluded, failures)


def _find(name: str, module: str | None) -> type[Config] | None:
    for candidate in [f"{module}.{name}", name] if module else [name]:
        try:
            found = pkgutil.resolve_name(candidate)
        except (ImportError, AttributeError, ValueError):
            continue
        if isinstance(found, type) and issubclass(found, Config):
            return found
    return None


def _directives(lines: list[str]) -> Iterator[tuple[int, str, str, list[str]]]:
    """Directives of a page: line number, name, argument, lines of the content."""
    for number, line in enumerate(lines, start=1):
        match = _DIRECTIVE.match(line)
        if match is None:
            continue
        content = []
        for below in lines[number:]:
            if below.strip() and len(below) - len(below.lstrip()) <= len(match["indent"]):
                break
            if below.strip():
                content.append(below.strip())
        yield number, match["name"], match["argument"], content


def _refuse(title: str, names: list[str]) -> None:
    if names:
        raise AssertionError(f"{len(names)} {title}:\n" + "\n".join(f"  {name}" for name in names))


def inventory_names(path: Path) -> set[str]:
    """Names of the classes and configurations in the inventory of a Sphinx documentation (`objects.inv`).

    Raises:
        ValueError: the file is no inventory of Sphinx, version 2.
    """
    content = path.read_bytes()
    header, body = content.split(b"\n", 4)[:4], content.split(b"\n", 4)[-1]
    if not header[0].startswith(b"# Sphinx inventory version 2"):
        raise ValueError(f"{path}: not an inventory of Sphinx (objects.inv, version 2)")
    try:
        text = zlib.decompress(body).decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: the inventory is damaged: {error}") from None
    found = set()
    for line in text.splitlines():
        parts = line.split()
        if len(parts) >= 4 and parts[1] in ("py:xpmconfig", "py:class"):
            found.add(parts[0])
    return found
