"""A repository on a server, read over smart HTTP: shallow, into memory, and only what is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from threading import RLock
from typing import Self

from dulwich.errors import GitProtocolError, HangupException
from dulwich.object_store import MemoryObjectStore, ObjectStoreGraphWalker
from dulwich.objects import ObjectID
from urllib3.exceptions import HTTPError

from ..core.errors import NotFound, Unavailable
from .address import identity_of, split_credentials
from .http import Pool, bounded, open_client
from .listing import Listings
from .objects import TreeSource, commit_at, reachable
from .refs import BRANCHES, candidates, is_commit, no_ref
from .tree import Commit, Source

_SPOOLED = 16 * 1024 * 1024
_KEPT = 8
_DEFAULTS = (BRANCHES + "main", BRANCHES + "master")


class RemoteRepository:
    """A repository at an http or https URL. It may be used by several threads, which take turns.

    Objects stay in memory between calls, those of the last commits at least: a tip that has not moved fetches
    nothing, and one that has moved fetches the difference.
    """

    def __init__(self, url: str, *, token: str | None = None, environ: Mapping[str, str]) -> None:
        self._url, credentials = split_credentials(url, token)
        self._lock = RLock()
        self._listings = Listings()
        self._pool = Pool(self._url, environ)
        self._client = open_client(self._url, credentials, self._pool)
        self._store = MemoryObjectStore()
        self._commits: list[str] = []

    def __repr__(self) -> str:
        return f"RemoteRepository({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._pool.clear()

    @property
    def identity(self) -> str:
        return identity_of(self._url)

    def default_ref(self) -> str:
        with self._lock:
            refs, head = self._ask()
        if head is not None:
            return head.removeprefix(BRANCHES)
        same = [name for name, found in refs.items() if found == refs.get("HEAD") and name.startswith(BRANCHES)]
        for name in (*(name for name in _DEFAULTS if name in same), *sorted(same)):
            return name.removeprefix(BRANCHES)
        raise NotFound(f"HEAD of {self._url} names no branch; name one")

    def tip(self, ref: str) -> Commit:
        with self._lock:
            refs, _ = self._ask()
            for name in ("HEAD",) if ref == "HEAD" else candidates(ref):
                if name in refs:
                    return self._fetch(refs[name])
        raise no_ref(ref, refs, self._url)

    def resolve(self, revision: str) -> Commit:
        """A branch, a tag, `HEAD` or a full commit id; short ids and `~n` need a clone. A full id that is in memory is
        not asked for again."""
        if not is_commit(revision):
            return self.tip(revision.removeprefix("origin/"))
        with self._lock:
            return self._fetch(revision.lower())

    def source(self, commit: Commit) -> Source:
        with self._lock:
            if commit.id not in self._commits:
                self._fetch(commit.id)
            where = f"commit {commit.id[:12]} of {self._url}"
            return TreeSource(self._store, commit.tree, listings=self._listings, lock=self._lock, where=where)

    def _ask(self) -> tuple[dict[str, str], str | None]:
        """The refs there are now, by name (tags by what they point at), and the full name of the branch of HEAD."""
        with _faults(self._url):
            answer = self._client.get_refs("", ref_prefix=[b"HEAD", b"refs/heads/", b"refs/tags/"])
            refs = {name.decode("utf-8", "replace"): found.decode() for name, found in answer.refs.items() if found}
        head = answer.symrefs.get(b"HEAD")  # type: ignore[call-overload]
        return refs, head.decode("utf-8", "replace") if head else None

    def _fetch(self, name: str) -> Commit:
        wanted = ObjectID(name.encode())
        if wanted not in self._store:
            self._fetch_objects(wanted)
        commit = commit_at(self._store, wanted, self._url)
        if commit.id not in self._commits:
            self._commits.append(commit.id)
            self._forget()
        return commit

    def _fetch_objects(self, wanted: ObjectID) -> None:
        known = [ObjectID(name.encode()) for name in self._commits]
        walker = ObjectStoreGraphWalker(known, lambda _: [], shallow=set(known))
        with SpooledTemporaryFile(max_size=_SPOOLED, prefix="burgee-") as spool, _faults(self._url, wanted):
            write = bounded(spool.write, self._url)
            self._client.fetch_pack("", lambda _refs, depth=None: [wanted], walker, write, depth=1)
            if spool.tell():
                spool.seek(0)
                self._store.add_thin_pack(spool.read, None)
        if wanted not in self._store:
            raise NotFound(f"{self._url} did not send commit {wanted.decode()}; check that it was pushed")

    def _forget(self) -> None:
        if len(self._commits) <= _KEPT * 2:
            return
        kept = self._commits[-_KEPT:]
        store = MemoryObjectStore()
        for name in reachable(self._store, kept):
            store.add_object(self._store[name])
        self._store, self._commits = store, kept


@contextmanager
def _faults(url: str, wanted: bytes = b"") -> Iterator[None]:
    try:
        yield
    except GitProtocolError as error:
        text = str(error)
        # A server that does not have an object, or does not hand it out, ends its answer, with or without a word.
        if "not our ref" in text or "unadvertised object" in text or (wanted and isinstance(error, HangupException)):
            message = f"no commit {wanted.decode()} in {url}, or the server does not hand it out; name a branch or tag"
            raise NotFound(message) from None
        raise Unavailable(f"{url} broke off: {text[:200]}; try again") from None
    except HTTPError as error:
        raise Unavailable(f"{url} broke off in the middle of an answer; try again") from error
    except (AssertionError, ValueError, LookupError, EOFError) as error:
        raise Unavailable(f"{url} did not speak Git's protocol: {type(error).__name__}; check the URL") from error
