"""What a folder is, told by the one file that says so."""

from __future__ import annotations

from pathlib import Path

from ..bundle.keys import INDEX

LAYOUT_MARKER = "oci-layout"


def is_layout(folder: str | Path) -> bool:
    """Whether there is a folder in OCI's image layout at a path."""
    return _has(folder, LAYOUT_MARKER)


def is_store(folder: str | Path) -> bool:
    """Whether there is a store that something was published to at a path."""
    return _has(folder, INDEX)


def _has(folder: str | Path, file: str) -> bool:
    try:
        return Path(folder, file).is_file()
    except (OSError, ValueError):
        # Not what a path can be: too long, or with a NUL.
        return False
