"""Objects of a dulwich store as burgee's values: commits, trees and blobs."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Commit as CommitObject
from dulwich.objects import ObjectID, ShaFile, Tag, parse_tree

from ..core.errors import ContentError, NotFound
from ..core.instant import is_instant
from .listing import Listings
from .names import is_plain, line_text
from .sizes import stored_size
from .tree import FOLDER, LARGEST_FILE, SUBMODULE, Commit, Entry, too_large

_TYPE_MASK = 0o170000
_TREE = 2
_BLOB = 3
_SUBJECT_LENGTH = 200
_LARGEST_TRAILERS = 64 * 1024
_TRAILER = re.compile(r"([A-Za-z0-9-]{1,64})[ \t]*:[ \t]*(.*)")
_NAME = re.compile(r"^([A-Za-z0-9-]{1,64})[ \t]*:", re.MULTILINE)


class TreeSource:
    """The files of one tree; `lock` guards the store and `listings`, which are not made for several threads."""

    def __init__(self, store: BaseObjectStore, tree: str, *, listings: Listings, lock: RLock, where: str) -> None:
        self._store = store
        self._tree = tree
        self._listings = listings
        self._lock = lock
        self._where = where
        self._entries: tuple[Entry, ...] | None = None

    def entries(self) -> Sequence[Entry]:
        if self._entries is None:
            with self._lock:
                self._entries = self._listings.entries(self._tree.encode(), self._children, where=self._where)
        return self._entries

    def read(self, entry: Entry, *, limit: int = LARGEST_FILE) -> bytes:
        if entry.mode & _TYPE_MASK == SUBMODULE or entry.blob is None:
            raise NotFound(f"{entry.path!r} is a submodule, its files are in another repository; list them there")
        blob = ObjectID(entry.blob.encode())
        with self._lock:
            size = stored_size(self._store, blob)
            if size is not None and size > limit:
                raise too_large(entry.path, size, limit)
            content = _raw(self._store, blob, _BLOB, f"{entry.path!r} in {self._where}")
        if len(content) > limit:
            raise too_large(entry.path, len(content), limit)
        return content

    def _children(self, tree: bytes) -> Iterator[tuple[bytes, int, ObjectID]]:
        return _children(self._store, ObjectID(tree), self._where)


def commit_at(store: BaseObjectStore, name: ObjectID, where: str) -> Commit:
    """The commit with this id, or the one that the annotated tag with this id points at.

    Raises NotFound when it is missing or is something else, ContentError when it is damaged.
    """
    found = _get(store, name, where)
    hops = 0
    # An object is read when it is first asked for something.
    with _wholeness(name, where):
        while isinstance(found, Tag) and hops < 10:
            found = _get(store, found.object[1], where)
            hops += 1
        if not isinstance(found, CommitObject):
            raise NotFound(f"{name.decode('ascii', 'replace')} is not a commit in {where}")
        return _commit(found)


def trailers_of(message: str) -> tuple[tuple[str, str], ...]:
    """The trailers of a commit's message: the `Name: value` lines of its last paragraph, if it is not the first.

    As Git has it, a paragraph counts when a quarter of its lines are such; a last paragraph of more than 64 kB has
    none, for messages are anybody's.
    """
    *before, last = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n")[-_LARGEST_TRAILERS:])
    lines = last.splitlines()
    found = [match for line in lines if (match := _TRAILER.fullmatch(line))]
    if not before or len(found) * 4 < len(lines):
        return ()
    return tuple((match[1], match[2].strip()) for match in found)


def holds(store: BaseObjectStore, name: ObjectID, where: str) -> bool:
    """Whether the store has the object. Raises ContentError when it is damaged."""
    with _wholeness(name, where):
        return name in store


def reachable(store: BaseObjectStore, commits: Sequence[str]) -> Iterator[ObjectID]:
    """The ids of these commits (not of their parents) and of every tree and blob in them, each once."""
    seen: set[bytes] = set()
    for name in commits:
        yield ObjectID(name.encode())
        todo = [ObjectID(commit_at(store, ObjectID(name.encode()), "memory").tree.encode())]
        while todo:
            tree = todo.pop()
            if tree in seen:
                continue
            seen.add(tree)
            yield tree
            for _, mode, child in _children(store, tree, "memory"):
                if mode & _TYPE_MASK == FOLDER:
                    todo.append(child)
                elif child not in seen and child in store:
                    seen.add(child)
                    yield child


def _commit(found: CommitObject) -> Commit:
    message = found.message.decode("utf-8", "replace").strip()
    subject = message.partition("\n")[0].strip()
    return Commit(
        id=found.id.decode(),
        tree=found.tree.decode(),
        committed_at=_committed_at(found.commit_time),
        author=line_text(found.author),
        subject=line_text(subject[:_SUBJECT_LENGTH].encode()),
        trailers=trailers_of(message),
        names=frozenset(name.lower() for name in _NAME.findall(message)),
    )


def _committed_at(seconds: int | None) -> int | None:
    """A committer writes any number there, or none."""
    return seconds * 1000 if seconds is not None and is_instant(seconds * 1000) else None


def _get(store: BaseObjectStore, name: ObjectID, where: str) -> ShaFile | None:
    try:
        with _wholeness(name, where):
            return store[name]
    except KeyError:
        return None


def _children(store: BaseObjectStore, tree: ObjectID, where: str) -> Iterator[tuple[bytes, int, ObjectID]]:
    content = _raw(store, tree, _TREE, f"a folder of {where}")
    with _wholeness(tree, where):
        parsed = list(parse_tree(content, len(tree) // 2))
    for name, mode, child in parsed:
        if is_plain(name):
            yield name, mode, ObjectID(child)


def _raw(store: BaseObjectStore, name: ObjectID, kind: int, what: str) -> bytes:
    try:
        with _wholeness(name, what):
            found, content = store.get_raw(name)
    except KeyError as error:
        message = f"object {name.decode()} of {what} is missing; fetch it, the clone may be partial"
        raise NotFound(message) from error
    if found != kind:
        raise ContentError(f"object {name.decode()} of {what} has another type than its tree says")
    return content


@contextmanager
def _wholeness(name: ObjectID, where: str) -> Iterator[None]:
    try:
        yield
    except (FileFormatException, ChecksumMismatch, ApplyDeltaError, ValueError, zlib.error) as error:
        message = f"object {name.decode('ascii', 'replace')} of {where} is damaged ({error}); run git fsck there"
        raise ContentError(message) from error
