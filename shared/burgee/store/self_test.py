"""Whether a store can be trusted with releases, found out at the store itself.

Law: a store's word counts for nothing, and a check that could do harm comes after those that show that it does none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex

from ..bundle import keys
from ..bundle.manifest import EMPTY_CONFIG, MANIFEST_TYPE
from ..bundle.oci_artifacts import PROBE, PROBE_TAG, encode_artifact, layer_of
from ..bundle.oci_records import INDEX_TAG
from ..core.errors import BurgeeError, ContentError, Denied, NotFound, Unfit
from .artifacts import Artifacts
from .objects import ObjectStore
from .port import Objects
from .probe import Probe

READ, LIST, CREATE, SWAP, STALE, RACE, WRITE = "read", "list", "create", "swap", "stale", "race", "write"
TAG, PRIMARY = "tag", "primary"
RELEASES = "releases"


class Verdict(StrEnum):
    """What a check came to. `warning` is for what does no harm by itself, `skipped` for what could not be tried."""

    OK = "ok"
    WARNING = "warning"
    DENIED = "denied"
    UNFIT = "unfit"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and `detail` for people."""

    check: str
    verdict: Verdict
    detail: str


def publisher_test(objects: Objects, *, nonce: Callable[[], str] = lambda: token_hex(16)) -> Iterator[Finding]:
    """What a publisher needs, one finding for each check, as they are made; `nonce` gives another text each time.

    Writes `keys.PROBE` a few times, and nothing else.
    """
    probe = Probe(objects, nonce)
    checks = (
        (READ, lambda: _index(objects)),
        (LIST, lambda: _listed(objects)),
        (CREATE, probe.created_once),
        (SWAP, probe.swapped),
        (STALE, probe.stale_refused),
        (RACE, probe.one_winner),
        (WRITE, probe.allowed_elsewhere),
    )
    return _findings(checks)


def registry_test(artifacts: Artifacts, *, nonce: Callable[[], str] = lambda: token_hex(16)) -> Iterator[Finding]:
    """What a publisher needs of a registry's repository, one finding for each check, as they are made.

    Writes a blob and the artifact `oci_records.PROBE_TAG`, and nothing else.
    """
    yield from _findings(
        (
            (READ, lambda: _first_tag(artifacts)),
            (LIST, lambda: f"{len(artifacts.tags())} tags are listed"),
            (WRITE, lambda: _blob_kept(artifacts, nonce())),
            (TAG, lambda: _tag_moved(artifacts, (nonce(), nonce()))),
        )
    )
    yield Finding(
        PRIMARY,
        Verdict.WARNING,
        "a registry moves tags without conditions: let it be a mirror, or the store of a single publisher",
    )


def reader_test(objects: Objects) -> Iterator[Finding]:
    """What a reader needs, one finding for each check, as they are made."""
    return _findings(((READ, lambda: _index(objects)), (RELEASES, lambda: _released(ObjectStore(objects)))))


def finding(check: str, run: Callable[[], str]) -> Finding:
    """What a check comes to that gives a detail or raises."""
    try:
        return Finding(check, Verdict.OK, run())
    except Denied as error:
        return Finding(check, Verdict.DENIED, str(error))
    except (Unfit, ContentError) as error:
        return Finding(check, Verdict.UNFIT, str(error))
    except BurgeeError as error:
        return Finding(check, Verdict.FAILED, str(error))


def _findings(checks: tuple[tuple[str, Callable[[], str]], ...]) -> Iterator[Finding]:
    # A check builds on those before it, save those that only one right was missing for.
    stopped = False
    for check, run in checks:
        if stopped:
            yield Finding(check, Verdict.SKIPPED, "not tried after what came before")
            continue
        found = finding(check, run)
        yield found
        denied = found.verdict == Verdict.DENIED and check in (READ, LIST)
        stopped = found.verdict != Verdict.OK and not denied


def _index(objects: Objects) -> str:
    found = ObjectStore(objects).read_index()
    if found is None:
        return "nothing has been published yet"
    environments = ", ".join(found[0].environments) or "none"
    return f"it belongs to repository {found[0].repository}, environments: {environments}"


def _first_tag(artifacts: Artifacts) -> str:
    try:
        artifacts.get_manifest(INDEX_TAG)
    except NotFound:
        return "nothing has been published yet"
    return "the environment index can be read"


def _blob_kept(artifacts: Artifacts, nonce: str) -> str:
    content = nonce.encode()
    digest = artifacts.put_blob(content)
    if artifacts.get_blob(digest, max_bytes=len(content)) != content:
        raise Unfit(f"{artifacts.url} does not give back the bytes that were written")
    return "blobs can be written, and are kept as they are"


def _tag_moved(artifacts: Artifacts, nonces: tuple[str, str]) -> str:
    """Let a tag name one artifact, then another; the first stays there by its digest."""
    written = []
    artifacts.put_blob(EMPTY_CONFIG)
    for nonce in nonces:
        artifact = encode_artifact(PROBE, (layer_of(PROBE, nonce.encode()),))
        artifacts.put_blob(nonce.encode())
        written.append(artifacts.put_manifest(PROBE_TAG, artifact, MANIFEST_TYPE))
        if artifacts.get_manifest(PROBE_TAG).content != artifact:
            raise Unfit(f"{artifacts.url} does not give back the artifact that a tag was moved to, byte for byte")
    artifacts.get_manifest(written[0])
    return "a tag is moved, artifacts keep their bytes, and stay there by their digests"


def _listed(objects: Objects) -> str:
    list(objects.list(keys.PROBE))
    return "objects can be listed"


def _released(store: ObjectStore) -> str:
    """Read each environment's last release, with every document."""
    found = store.read_index()
    documents = 0
    for environment in found[0].environments if found else ():
        head = store.read_head(environment)
        if head is None:
            continue
        release = head[0].last.release
        store.get_blob(release.bundle)
        for digest, _size in release.namespaces.values():
            store.get_blob(digest)
            documents += 1
    return f"{documents} document{'s' if documents != 1 else ''} of last releases are whole"
