"""A repository on this machine, read from its object store: no work tree and no git command are needed."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from threading import RLock
from typing import Self

from dulwich.errors import NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from ..core.errors import ConfigurationError, NotFound
from .address import identity_of
from .listing import Listings
from .objects import TreeSource, commit_at, holds
from .refs import BRANCHES, candidates, is_commit, no_ref
from .revision import parse_revision
from .tree import Commit, Source

_HEX = frozenset("0123456789abcdef")
_SHORTEST = 4


class LocalRepository:
    """A bare repository, or the one a work tree belongs to. It may be used by several threads."""

    def __init__(self, path: str, *, object_directories: Sequence[str | PathLike[str]] = ()) -> None:
        self._lock = RLock()
        self._listings = Listings()
        self._repo = _open(path, object_directories)
        self._where = str(Path(self._repo.path).resolve())

    def __repr__(self) -> str:
        return f"LocalRepository({self._where!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._repo.close()

    @property
    def top(self) -> Path:
        """The folder of the work tree, or of the bare repository."""
        return Path(self._where)

    @property
    def identity(self) -> str:
        with self._lock:
            config = self._repo.get_config()
        try:
            origin = config.get((b"remote", b"origin"), b"url").decode("utf-8", "replace")
        except KeyError:
            origin = ""
        return identity_of(origin or self._where, folder=self.top)

    def default_ref(self) -> str:
        with self._lock:
            names, _ = self._repo.refs.follow(Ref(b"HEAD"))
        last = names[-1].decode("utf-8", "replace")
        if not last.startswith(BRANCHES):
            raise NotFound(f"HEAD of {self._where} is detached, it names no branch; name one, or git switch to it")
        return last.removeprefix(BRANCHES)

    def tip(self, ref: str) -> Commit:
        with self._lock:
            found = self._look_up(ref)
            if found is None:
                raise no_ref(ref, self._names(), self._where)
            return commit_at(self._repo.object_store, found, self._where)

    def resolve(self, revision: str) -> Commit:
        """Also `HEAD`, `@`, full and short ids, `origin/x`, and any of them followed by `~n` and `^n`."""
        base, steps = parse_revision(revision)
        with self._lock:
            commit = commit_at(self._repo.object_store, self._base(base), self._where)
            for parents in steps:
                commit = self._ancestor(commit, parents, revision)
            return commit

    def source(self, commit: Commit) -> Source:
        with self._lock:
            held = holds(self._repo.object_store, ObjectID(commit.tree.encode()), self._where)
        if not held:
            raise NotFound(f"commit {commit.id} is not in {self._where}; fetch it first")
        where = f"commit {commit.id[:12]} of {self._where}"
        return TreeSource(self._repo.object_store, commit.tree, listings=self._listings, lock=self._lock, where=where)

    def _base(self, name: str) -> ObjectID:
        found = self._look_up("HEAD" if name == "@" else name)
        if found is not None:
            return found
        if is_commit(name):
            return ObjectID(name.lower().encode())
        if len(name) >= _SHORTEST and set(name.lower()) <= _HEX:
            return self._by_prefix(name.lower())
        raise no_ref(name, self._names(), self._where)

    def _look_up(self, name: str) -> ObjectID | None:
        for full in ("HEAD",) if name == "HEAD" else candidates(name):
            _, found = self._repo.refs.follow(Ref(full.encode("utf-8", "surrogateescape")))
            if found is not None:
                return found
        return None

    def _by_prefix(self, prefix: str) -> ObjectID:
        found = sorted(set(self._repo.object_store.iter_prefix(prefix.encode())))
        commits = [name for name in found if self._repo.object_store[name].type_name in (b"commit", b"tag")]
        if not commits:
            raise NotFound(f"no commit {prefix} in {self._where}; fetch it, or name a branch")
        if len(commits) > 1:
            raise NotFound(f"{len(commits)} commits of {self._where} begin with {prefix}; give more digits")
        return commits[0]

    def _ancestor(self, commit: Commit, parent: int, revision: str) -> Commit:
        parents = self._repo.get_parents(ObjectID(commit.id.encode()))
        if parent > len(parents):
            raise NotFound(f"{revision!r} in {self._where}: commit {commit.id[:12]} has {len(parents)} parents")
        return commit_at(self._repo.object_store, parents[parent - 1], self._where)

    def _names(self) -> list[str]:
        return [name.decode("utf-8", "replace") for name in self._repo.refs.allkeys()]


def _open(path: str, object_directories: Sequence[str | PathLike[str]]) -> Repo:
    where = Path(path).resolve()
    if not where.is_dir():
        found = "a file" if where.exists() else "nothing"
        raise NotFound(f"wanted a folder with a Git repository at {where}, got {found}; name another path")
    for folder in (where, *where.parents):
        top = folder.parent if folder.name == ".git" else folder
        try:
            return Repo(str(top), alternates=[str(directory) for directory in object_directories] or None)
        except (NotGitRepository, NotADirectoryError):
            continue
        except (UnsupportedExtension, UnsupportedVersion) as error:
            raise ConfigurationError(f"the repository at {top} has a format that is not read here: {error}") from error
    raise NotFound(f"no Git repository at {where} or above; git init it, or name another path")
