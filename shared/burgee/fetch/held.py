"""What a reader holds: the head it saw last, and what it has of its releases, whole and verified.

Law: no byte is used before its digest and size are checked, and a head never goes back.
"""

from __future__ import annotations

from collections import namedtuple

from ..bundle import keys
from ..bundle.digest import verify
from ..bundle.document import Document
from ..bundle.head import decode_head
from ..bundle.index import decode_index
from ..core.errors import BurgeeError, ContentError, InvalidDocument, NotFound, StoreError
from ..core.snapshot import Snapshot
from .port import MAX_BYTES, NOT_MODIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..bundle.head import Entry, Head
    from ..bundle.release import Release
    from .port import Fetcher
    from .verify import Verifier

HEAD_BYTES = 8 * 1024 * 1024
INDEX_BYTES = 1024 * 1024
DOCUMENT_BYTES = MAX_BYTES


class Held(namedtuple("Held", "head etag content documents snapshots", defaults=(None, None, None, {}, {}))):
    """`content` is the head's bytes; `documents` maps digests, `snapshots` digests of releases that are not served yet.

    The mappings are replaced, never changed: other threads read them.
    """

    __slots__ = ()


def see_head(
    fetcher: Fetcher, environment: str, held: Held, verifier: Verifier | None = None, *, kept: bool = False
) -> Held:
    """`held` with the head as it is now; the very same head if it is unchanged.

    With a `verifier` it counts only if that believes it; one that was `kept` may have expired meanwhile. Raises
    StoreError for what the fetcher cannot read, ContentError for a head that is broken, goes back, or is not believed.
    """
    try:
        fetched = fetcher.get(keys.head(environment), held.etag, max_bytes=HEAD_BYTES)
    except NotFound as error:
        if held.head is not None:
            raise
        raise NotFound(f"{error}; {_instead(fetcher, environment)}") from error
    if fetched is NOT_MODIFIED:
        return held
    if fetched.content == held.content:
        return held._replace(etag=fetched.etag)
    decode = decode_head if verifier is None else verifier.decode_kept if kept else verifier.decode
    head = decode(fetched.content)
    if head.environment != environment:
        raise InvalidDocument(f"wanted the head of {environment!r}, got that of {head.environment!r}")
    _check_chain(held.head, head)
    if held.head is not None and verifier is not None:
        verifier.follow(fetcher, held.head, head)
    return held._replace(head=head, etag=fetched.etag, content=fetched.content)


def _instead(fetcher: Fetcher, environment: str) -> str:
    """What there is where the head of an environment is not."""
    try:
        names = decode_index(fetcher.get(keys.INDEX, max_bytes=INDEX_BYTES).content).environments
    except NotFound:
        return "nothing has been published there, or it is the address of something else than a store"
    except BurgeeError as error:
        return f"what else there is cannot be told: {error}"
    if environment in names:
        return "nothing has been released to it yet"
    return f"this store has the environments {', '.join(sorted(names)) or 'none'}"


def complete(fetcher: Fetcher, held: Held, entries: Iterable[Entry]) -> tuple[Held, Exception | None]:
    """`held` with snapshots of `entries`, as far as they can be had, and the first fault on the way.

    A fault of one release leaves the others to be fetched; a fault of the store ends the attempt. Documents that are
    held already, by digest, are not fetched again, nor those of an attempt that broke off.
    """
    lacking = [entry for entry in entries if entry.digest not in held.snapshots]
    if not lacking:
        return held, None
    documents, snapshots = dict(held.documents), dict(held.snapshots)
    first: Exception | None = None
    for entry in lacking:
        try:
            snapshots[entry.digest] = _snapshot(fetcher, entry.release, documents)
        except (ContentError, NotFound) as fault:
            first = first or fault
        except StoreError as fault:
            first = first or fault
            break
    return held._replace(documents=documents, snapshots=snapshots), first


def pruned(held: Held, served: Entry, entries: Iterable[Entry]) -> Held:
    """`held` without documents and snapshots that neither `served` nor `entries`, still to be served, name."""
    ahead = tuple(entries)
    named = {digest for entry in (served, *ahead) for digest, _ in entry.release.namespaces.values()}
    waiting = {entry.digest for entry in ahead}
    return held._replace(
        documents={digest: document for digest, document in held.documents.items() if digest in named},
        snapshots={digest: snapshot for digest, snapshot in held.snapshots.items() if digest in waiting},
    )


def _check_chain(before: Head | None, head: Head) -> None:
    """Raises InvalidDocument when `head` cannot have come after `before`, or is no part of one log by itself."""
    if before is not None and head.revision < before.revision:
        raise InvalidDocument(
            f"head of {head.environment!r} went back from revision {before.revision} to {head.revision}; "
            "if you restored it yourselves, restart the readers, without what they keep on disk"
        )
    digests = {entry.release.revision: entry.digest for entry in before.releases} if before else {}
    for digest, _, release, _ in head.releases:
        revision = release.revision
        if digests.setdefault(revision, digest) != digest:
            raise InvalidDocument(f"head of {head.environment!r} has another release {revision} than before")
        if digests.get(revision - 1, release.previous) != release.previous:
            raise InvalidDocument(f"head of {head.environment!r}: release {revision} does not follow {revision - 1}")


def _snapshot(fetcher: Fetcher, release: Release, documents: dict[str, Document]) -> Snapshot:
    """The release ready to evaluate; adds to `documents` what had to be fetched."""
    for namespace, (digest, size) in release.namespaces.items():
        if digest not in documents:
            documents[digest] = Document(_blob(fetcher, digest, size))
        document = documents[digest]
        if document.namespace != namespace or len(document.content) != size:
            raise InvalidDocument(
                f"release {release.revision} says {digest} is namespace {namespace!r} in {size} bytes, "
                f"it is {document.namespace!r} in {len(document.content)}"
            )
    return Snapshot(
        release.profile,
        {namespace: documents[digest] for namespace, (digest, _) in release.namespaces.items()},
        revision=release.revision,
        digest=release.bundle,
    )


def _blob(fetcher: Fetcher, digest: str, size: int) -> bytes:
    if not 0 <= size <= DOCUMENT_BYTES:
        raise InvalidDocument(f"document {digest} is said to have {size} bytes, wanted at most {DOCUMENT_BYTES}")
    content: bytes = fetcher.get(keys.blob(digest), max_bytes=size).content
    return verify(content, digest)
