"""Files of strangers, written below a folder.

Law: none elsewhere, none through a link, and none over another unless that is said.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..author.authored import SourceFile
from ..core.errors import InvalidRequest
from ..store.folders import is_layout, is_store


def write_files(directory: Path, files: Sequence[SourceFile], *, force: bool) -> None:
    """Write files whose paths have no `..`; `force` replaces those that are there.

    Raises InvalidRequest, before anything is written, for a file that is there or is reached by a link, and for a
    folder that is kept by others.
    """
    _check_folder(directory)
    present = [directory / file.path for file in files if os.path.lexists(directory / file.path)]
    if present and not force:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise InvalidRequest(f"{present[0]}{others} would be replaced; name another folder, or say --force")
    for file in files:
        _check_place(directory, file.path)
    for file in files:
        _write(directory / file.path, file.content, force=force)


def _check_folder(directory: Path) -> None:
    """Flag files are nobody's at the root of the system, and lost in what burgee and tools of registries keep."""
    folder = directory.resolve()
    if folder == folder.parent:
        raise InvalidRequest(f"{directory} is the root folder, wanted one for the flag files, such as ./unpacked")
    for above in (folder, *folder.parents):
        if is_store(above) or is_layout(above):
            what = "a store of burgee" if is_store(above) else "a folder in OCI's image layout"
            raise InvalidRequest(f"{directory} is in {above}, which is {what}; name a folder elsewhere")


def _check_place(directory: Path, path: str) -> None:
    """The folder itself may be a link, as whoever named it knows; what is below it may not."""
    *above, _top = (PurePosixPath(path), *PurePosixPath(path).parents)
    links = [directory / one for one in above if (directory / one).is_symlink()]
    place = directory / path
    # A pipe is not opened: whoever writes to it waits until somebody reads.
    if links or (place.exists() and not place.is_file()):
        kind = "a folder" if place.is_dir() else "no file"
        what = f"{links[0]} is a link" if links else f"{place} is {kind}"
        raise InvalidRequest(f"{what}, wanted files of their own; remove it, or name another folder")


def _write(path: Path, content: bytes, *, force: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as opened:
        opened.write(content)
