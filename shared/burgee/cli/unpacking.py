"""Files of strangers, written below a folder.

Law: none elsewhere, none through a link, and none over another unless that is said.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..author.authored import SourceFile
from ..core.errors import InvalidRequest


def write_files(directory: Path, files: Sequence[SourceFile], *, force: bool) -> None:
    """Write files whose paths have no `..`; `force` replaces those that are there.

    Raises InvalidRequest, before anything is written, for a file that is there or is reached by a link.
    """
    present = [directory / file.path for file in files if os.path.lexists(directory / file.path)]
    if present and not force:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise InvalidRequest(f"{present[0]}{others} would be replaced; name another folder, or say --force")
    for file in files:
        _check_place(directory, file.path)
    for file in files:
        _write(directory / file.path, file.content, force=force)


def _check_place(directory: Path, path: str) -> None:
    """The folder itself may be a link, as whoever named it knows; what is below it may not."""
    *above, _top = (PurePosixPath(path), *PurePosixPath(path).parents)
    links = [directory / one for one in above if (directory / one).is_symlink()]
    if links or (directory / path).is_dir():
        what = f"{links[0]} is a link" if links else f"{directory / path} is a folder"
        raise InvalidRequest(f"{what}, wanted files of their own; remove it, or name another folder")


def _write(path: Path, content: bytes, *, force: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as opened:
        opened.write(content)
