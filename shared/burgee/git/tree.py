"""Where authored files come from: entries of a tree at a commit, or of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.errors import TooLarge

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000
FOLDER = 0o040000

LARGEST_FILE = 64 * 1024 * 1024
MOST_ENTRIES = 1_000_000
DEEPEST = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source.

    `path` is relative to the top with `/` between names, each as `names.name_text` shows it; `mode` is Git's (FILE,
    EXECUTABLE, SYMLINK or SUBMODULE); `blob` is the hexadecimal id of the content, None in a folder; `size` is in
    bytes, or None in a tree, which does not tell.
    """

    path: str
    mode: int
    blob: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: hexadecimal ids, `committed_at` in milliseconds since the epoch or None where the committer's time is
    no instant, `author` as `Name <address>`, the first line of its message, and the trailers at the end of it, as
    (name, value) in their order.

    `names` holds what stands at the start of a line of the message with a colon after it, in lower case, wherever that
    is: a trailer that is not in the last paragraph is none, and whoever wrote it should hear of that.
    """

    id: str
    tree: str
    committed_at: int | None
    author: str
    subject: str
    trailers: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()


class Source(Protocol):
    """The files of one state of a repository or folder."""

    def entries(self) -> Sequence[Entry]:
        """Every file below the top, sorted by the bytes of its path; names Git refuses to check out (`..`, `.git`) are
        left out. Raises TooLarge beyond MOST_ENTRIES files or DEEPEST levels."""

    def read(self, entry: Entry, *, limit: int = LARGEST_FILE) -> bytes:
        """The content of an entry; of a symbolic link, what it points at (it is never followed).

        Raises TooLarge, before the content is read, if it has more than `limit` bytes, and NotFound if it is gone or
        is a submodule.
        """


def too_large(path: str, size: int, limit: int) -> TooLarge:
    """The error for a file beyond the limit of its reader."""
    return TooLarge(f"{path!r} has {size} bytes, at most {limit} are read; make it smaller or ignore it")
