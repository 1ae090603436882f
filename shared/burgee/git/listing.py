"""Listings of trees: every file below the top, folders that are as they were not walked again.

Law: what is below a path depends on the id of its tree alone, so a listing that is kept is right for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import TooLarge
from .names import name_text
from .tree import DEEPEST, FOLDER, MOST_ENTRIES, Entry

_TYPE_MASK = 0o170000

# From the id of a tree to what is in it: name, mode and id of each.
Children = Callable[[bytes], Iterable[tuple[bytes, int, bytes]]]


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files below a tree, sorted by the bytes of their paths; `count` is how many there are, with folders.

    `folders` are the listings of those right below it, by name.
    """

    tree: bytes
    entries: tuple[Entry, ...]
    count: int
    folders: Mapping[bytes, _Listing]


class Listings:
    """Listings of one repository; those of the last `most` trees are kept. For one thread at a time."""

    __slots__ = ("_most", "_tops")

    def __init__(self, *, most: int = 4) -> None:
        self._most = most
        self._tops: list[_Listing] = []

    def entries(self, tree: bytes, children: Children, *, where: str) -> tuple[Entry, ...]:
        """Every file below a tree. Raises TooLarge beyond MOST_ENTRIES files and folders or DEEPEST levels."""
        walk = _Walk(children, where)
        top = walk.below("", tree, self._tops, depth=0, room=MOST_ENTRIES)
        self._tops = [top, *(known for known in self._tops if known is not top)][: self._most]
        return top.entries


class _Walk:
    """One walk over the trees of a repository, which `where` names in messages."""

    def __init__(self, children: Children, where: str) -> None:
        self._children = children
        self._where = where

    def below(self, prefix: str, tree: bytes, known: Sequence[_Listing], *, depth: int, room: int) -> _Listing:
        """The listing of a tree at a path; `known` are those of the same path, `room` is for how many there is."""
        if depth > DEEPEST:
            raise TooLarge(f"{self._where} nests folders deeper than {DEEPEST} levels; it is not read")
        if same := next((listing for listing in known if listing.tree == tree), None):
            self._check_room(room - same.count)
            return same
        entries: list[Entry] = []
        folders: dict[bytes, _Listing] = {}
        count = 0
        for name, mode, child in sorted(self._children(tree), key=_path):
            count += 1
            self._check_room(room - count)
            path = prefix + name_text(name)
            if mode & _TYPE_MASK != FOLDER:
                entries.append(Entry(path, mode, child.decode()))
                continue
            before = [listing.folders[name] for listing in known if name in listing.folders]
            folder = self.below(path + "/", child, before, depth=depth + 1, room=room - count)
            folders[name] = folder
            entries += folder.entries
            count += folder.count
        return _Listing(tree, tuple(entries), count, folders)

    def _check_room(self, left: int) -> None:
        if left < 0:
            raise TooLarge(f"{self._where} has more than {MOST_ENTRIES} files; it is not read")


def _path(child: tuple[bytes, int, bytes]) -> bytes:
    """What sorts a folder as the paths below it are sorted."""
    name, mode, _ = child
    return name + b"/" if mode & _TYPE_MASK == FOLDER else name
