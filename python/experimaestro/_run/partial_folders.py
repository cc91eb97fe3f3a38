"""Folders that jobs share: made before a job starts, and linked in its own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def link_partials(directory: Path, partials: Mapping[Path, str]) -> None:
    """Make the folders, and link each as `.experimaestro/partials/<name>` in the folder of the job.

    Where two have the same name, the link of the second is `<name>.<type id>`, and then `<name>.<identifier>`.

    Args:
        directory: folder of the job.
        partials: folders `.../<type id>/<name>/<identifier>`, and the name of the partial identifier of each.
    """
    links = directory / ".experimaestro" / "partials"
    links.mkdir(parents=True, exist_ok=True)
    for folder, name in partials.items():
        folder.mkdir(parents=True, exist_ok=True)
        for link_name in (name, f"{name}.{folder.parents[1].name}", f"{name}.{folder.name}"):
            link = links / link_name
            try:
                link.symlink_to(folder, target_is_directory=True)
            except FileExistsError:
                if not (link.is_symlink() and link.readlink() == folder):
                    continue
            break
