"""The older package, in an environment of its own: measured by the same scripts, through its public API."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

VERSION = "2.7.0"
ENVIRONMENT = Path(__file__).resolve().parent.parent / "build" / f"older-{VERSION}"


def interpreter() -> Path:
    """Return the interpreter of the older package's environment, made when it is not there."""
    python = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / ".ready"
    if not ready.exists():
        print(f"Installing experimaestro {VERSION} in {ENVIRONMENT}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"experimaestro=={VERSION}"], check=True)
        ready.touch()
    return python
