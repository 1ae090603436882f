"""A repository of an OCI registry, to write to: manifests, blobs and tags (OCI distribution specification 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import loads
from time import monotonic
from typing import TypeVar

from ..bundle.digest import digest_of, hex_of, is_digest, verify
from ..bundle.manifest import MANIFEST_TYPE
from ..bundle.oci_address import OciAddress, read_oci_address
from ..core.errors import DigestMismatch, InvalidDocument, InvalidRequest, NotFound, Unavailable
from .artifacts import Manifest
from .pace import Pace
from .registry_client import Answer, Client
from .registry_faults import FAULTS, Fault, fault, may_pass
from .registry_login import find_login

# As much as registries take.
LARGEST_MANIFEST = 4 * 1024 * 1024
_ACCEPTED = (
    MANIFEST_TYPE,
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_TAG = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_LONGEST_TAG = 128
_TAGS_BYTES = 4 * 1024 * 1024
_MOST_PAGES = 1000

_Value = TypeVar("_Value")


def open_registry(
    url: str, environ: Mapping[str, str], *, pace: Pace | None = None, now: Callable[[], float] = monotonic
) -> Registry:
    """The repository that `oci://registry/repository` names, a tag or digest left aside; opens no connection.

    Logins are those of `environ`, else of Docker's configuration; `now` gives seconds, by which tokens expire. Raises
    ConfigurationError for another URL.
    """
    address, pace = read_oci_address(url), pace or Pace()
    client = Client(address, environ, lambda: find_login(environ, address.registry), pace=pace, now=now)
    return Registry(client, pace=pace)


class Registry:
    """Artifacts of a repository; safe among threads."""

    def __init__(self, client: Client, *, pace: Pace) -> None:
        self.client = client
        self._paths = client.paths
        self._pace = pace

    @property
    def address(self) -> OciAddress:
        return self.client.address

    @property
    def url(self) -> str:
        return self.address.url

    def get_manifest(self, reference: str) -> Manifest:
        path = self._paths.manifest_url(checked_reference(reference))
        headers = {"Accept": ", ".join(_ACCEPTED)}
        what = f"GET manifest {reference} of {self.url}"
        answer = self._ask(
            what, "pull", lambda: self.client.ask("GET", path, headers=headers, max_bytes=LARGEST_MANIFEST)
        )
        digest = digest_of(answer.content)
        said = reference if is_digest(reference) else answer.headers.get("Docker-Content-Digest")
        if said is not None and is_digest(said) and said != digest:
            raise DigestMismatch(f"{what}: wanted {said}, got {len(answer.content)} bytes with digest {digest}")
        media_type = answer.headers.get("Content-Type", MANIFEST_TYPE).partition(";")[0].strip()
        return Manifest(answer.content, digest, media_type)

    def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        path = self._paths.manifest_url(checked_reference(reference))
        digest = digest_of(content)
        if is_digest(reference):
            verify(content, reference)
        headers = {"Content-Type": media_type}
        answer = self._ask(
            f"PUT manifest {reference} of {self.url}",
            "push",
            lambda: self.client.ask("PUT", path, headers=headers, content=content),
        )
        kept = answer.headers.get("Docker-Content-Digest", digest)
        if kept != digest:
            raise DigestMismatch(f"{self.url} keeps manifest {reference} as {kept}, wanted {digest}")
        return digest

    def get_blob(self, digest: str, *, max_bytes: int) -> bytes:
        path = self._paths.get_blob_url(f"sha256:{hex_of(digest)}")
        answer = self._ask(
            f"GET blob {digest} of {self.url}", "pull", lambda: self.client.ask("GET", path, max_bytes=max_bytes)
        )
        return verify(answer.content, digest)

    def has_blob(self, digest: str) -> bool:
        path = self._paths.get_blob_url(f"sha256:{hex_of(digest)}")
        try:
            self._ask(f"HEAD blob {digest} of {self.url}", "pull", lambda: self.client.ask("HEAD", path))
        except NotFound:
            return False
        return True

    def put_blob(self, content: bytes) -> str:
        digest = digest_of(content)
        if not self.has_blob(digest):
            self._ask(f"PUT blob {digest} of {self.url}", "push", lambda: self._upload(content, digest))
        return digest

    def tags(self) -> tuple[str, ...]:
        found: list[str] = []
        path: str = self._paths.tags_url()
        for _ in range(_MOST_PAGES):
            try:
                page, following = self._page(path)
            except NotFound:
                return ()
            found += page
            if following is None:
                return tuple(sorted(set(found)))
            path = following
        raise Unavailable(f"tags of {self.url}: more than {_MOST_PAGES} pages")

    def exists(self) -> bool:
        """Whether there is such a repository, though it may hold nothing."""
        try:
            self._page(self._paths.tags_url())
        except NotFound:
            return False
        return True

    def asker(self) -> str:
        """Who asks, as a person may see it."""
        return self.client.auth.asker()

    def _upload(self, content: bytes, digest: str) -> Answer:
        """A blob in one piece: where to is asked first (distribution specification, "POST then PUT")."""
        begun = self.client.ask("POST", self._paths.upload_blob_url())
        location = begun.headers.get("Location")
        if not location:
            raise Unavailable(f"{self.url} does not say where to upload blobs to")
        place = self.client.absolute(location)
        path = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        return self.client.ask("PUT", path, headers={"Content-Type": "application/octet-stream"}, content=content)

    def _page(self, path: str) -> tuple[list[str], str | None]:
        """Some tags, and where the next ones are."""
        what = f"GET tags of {self.url}"
        answer = self._ask(what, "pull", lambda: self.client.ask("GET", path, max_bytes=_TAGS_BYTES))
        try:
            tags = loads(answer.content).get("tags") or []
        except (ValueError, AttributeError, RecursionError) as error:
            raise InvalidDocument(f"{what}: the answer is no JSON object") from error
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise InvalidDocument(f"{what}: the answer has no list of tags; check that the address is a registry's")
        target, _, relation = answer.headers.get("Link", "").partition(">")
        more = bool(tags) and "next" in relation and target.startswith("<")
        return tags, target[1:] if more else None

    def _ask(self, what: str, needed: str, request: Callable[[], _Value]) -> _Value:
        """What `request` gives, asked again where that may help. Raises what its last fault means."""
        failed: Fault | None = None
        for _ in self._pace.attempts():
            try:
                return request()
            except FAULTS as error:
                failed = error
                if not may_pass(error):
                    break
        assert failed is not None
        raise fault(what, failed, asker=self.asker(), needed=needed) from failed


def is_tag(text: str) -> bool:
    """Whether a registry takes it as a tag."""
    return 0 < len(text) <= _LONGEST_TAG and text[0] not in ".-" and not set(text) - _TAG


def checked_reference(text: str) -> str:
    """`text` itself. Raises InvalidRequest unless it is a tag or a digest: it becomes part of a path."""
    if not is_tag(text) and not is_digest(text):
        raise InvalidRequest(f"wanted a tag such as production or a digest, got {text!r}")
    return text
