"""The GPUs that jobs of this machine are given, each to one job at a time.

Floor: `_run`. Only names are found out here; the engine hands them out through `CUDA_VISIBLE_DEVICES`.
"""

from __future__ import annotations

import os
import re

__all__ = ["visible_devices"]

_NVIDIA = "/proc/driver/nvidia/gpus"


def visible_devices(setting: list[str] | None = None) -> list[str]:
    """Return the names of the devices, as `CUDA_VISIBLE_DEVICES` knows them.

    The first that says something is believed: `XPM_GPUS` (names separated by commas, or `none`), the user's settings,
    the `CUDA_VISIBLE_DEVICES` of this process, what the driver of the devices says.

    Args:
        setting: `local.gpus` of the settings file.
    """
    text = os.environ.get("XPM_GPUS")
    if text is not None:
        return [] if text.strip().lower() == "none" else _names(text)
    if setting is not None:
        return list(setting)
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is not None:
        names = _names(text)
        # The first invalid one hides those behind it.
        end = next((place for place, name in enumerate(names) if name.startswith("-")), len(names))
        return names[:end]
    try:
        return [str(number) for number in range(len(os.listdir(_NVIDIA)))]
    except OSError:
        pass
    try:
        found = [match[1] for name in os.listdir("/dev") if (match := re.fullmatch(r"nvidia(\d+)", name))]
    except OSError:
        return []
    return sorted(found, key=int)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
