"""Settings kept in a JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any


class JsonSettings(MutableMapping[str, Any]):
    """A mapping kept in a JSON file, which is replaced whole at each change.

    Args:
        path: the file; it need not exist yet.

    Raises:
        ValueError: the file holds something else than a JSON object.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings: dict[str, Any] = {}
        if self.path.exists():
            try:
                self.settings = json.loads(self.path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueError(f"{self.path}: not valid JSON: {error}") from None
            if not isinstance(self.settings, dict):
                raise ValueError(f"{self.path}: a JSON object is expected, not {type(self.settings).__name__}")

    def __getitem__(self, key: str) -> Any:
        return self.settings[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._replace({**self.settings, key: value})

    def __delitem__(self, key: str) -> None:
        kept = dict(self.settings)
        del kept[key]
        self._replace(kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def set(self, key: str, value: Any, update: bool = True) -> None:
        """Set a value; with `update=False`, only if there is none."""
        if update or key not in self.settings:
            self[key] = value

    def save(self) -> None:
        """Write the file (needed after a value was changed in place)."""
        self._replace(self.settings)

    def _replace(self, settings: dict[str, Any]) -> None:
        content = json.dumps(settings, indent=2)  # before anything is written: it may refuse
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            temporary.write_text(content, encoding="utf-8")
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        self.settings = settings
