"""Objects in a container of Azure's Blob Storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from time import time
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobClient, ContainerClient, ContentSettings

from ..bundle.azblob_address import AzblobAddress, read_azblob_address
from ..bundle.azblob_refusals import Asked, needed
from ..core.errors import BurgeeError, Unavailable, Unfit
from .azblob_faults import FAULTS, fault, meaning
from .azblob_session import Asker, a_client, an_asker
from .pace import Pace
from .port import Object
from .remote import Meaning, RemoteObjects, Right, Write, milliseconds, whole
from .server_clock import ServerClock

# Names of metadata have no dashes there.
_MARK = "burgeewrite"
# The role, and the rights of a signed URL.
_NEEDED: dict[Right, tuple[str, str]] = {
    "read": ("Reader", "r"),
    "write": ("Contributor", "rcw"),
    "list": ("Reader", "rl"),
}


class AzblobWire:
    """See `remote.Wire` for each verb."""

    faults = FAULTS

    def __init__(self, address: AzblobAddress, asker: Asker, *, pace: Pace) -> None:
        self.address = address
        self.url: str = address.url
        # None for as many as the service gives.
        self.names_at_once: int | None = None
        self._asker = asker
        self._pace = pace
        self._client: ContainerClient | None = None
        self._lock = Lock()
        self._clock = ServerClock()

    def get(self, key: str) -> Object:
        with self._answering(f"GET {self.url}/{key}"):
            stream = self._blob(key).download_blob()
        content = whole(stream.chunks(), key=key, url=self.url)
        properties = stream.properties
        return Object(content, self._etag(key, properties.etag), milliseconds(properties.last_modified))

    def put(self, key: str, write: Write) -> str:
        swapped: dict[str, Any] = {"etag": write.expected, "match_condition": MatchConditions.IfNotModified}
        answer = self._blob(key).upload_blob(
            write.content,
            overwrite=write.expected is not None,
            **(swapped if write.expected is not None else {}),
            metadata={_MARK: write.mark},
            content_settings=ContentSettings(content_type=write.content_type, cache_control=write.cache_control),
            # An MD5, which the service compares with what arrives.
            validate_content=True,
        )
        return self._etag(key, answer.get("etag"))

    def look(self, key: str) -> tuple[str, str | None]:
        found = self._blob(key).get_blob_properties()
        return self._etag(key, found.etag), found.metadata.get(_MARK)

    def list(self, prefix: str) -> Sequence[str]:
        begin = self.address.prefix + prefix
        listed = self._container().list_blob_names(name_starts_with=begin or None, results_per_page=self.names_at_once)
        with self._answering(f"list {self.url}/{prefix}*"):
            names = list(listed)
        return [name.removeprefix(self.address.prefix) for name in names]

    def meaning(self, error: Exception) -> Meaning:
        return meaning(error)

    def fault(self, attempt: str, right: Right, error: Exception) -> BurgeeError:
        by, lacks = self._shown(), needed(*_NEEDED[right], self.address.container)
        return fault(error, Asked(f"{attempt} at {self.address.place}", by, False, lacks, int(time() * 1000)))

    @property
    def place(self) -> str:
        return f"container {self.address.container}, prefix {self.address.prefix or 'none'}, at {self.address.endpoint}"

    def asked_by(self) -> str:
        return self._asker.shown()

    def clock_difference(self) -> float | None:
        return self._clock.difference()

    def _container(self) -> ContainerClient:
        with self._lock:
            if self._client is None:
                self._client = a_client(self.address, self._asker, pace=self._pace, note=self._note)
            return self._client

    def _blob(self, key: str) -> BlobClient:
        return self._container().get_blob_client(self.address.prefix + key)

    @contextmanager
    def _answering(self, attempt: str) -> Iterator[None]:
        """Raises Unavailable when the client stumbles over an answer that lacks what the service's have."""
        try:
            yield
        except (AttributeError, ValueError) as error:
            raise Unavailable(f"{attempt} at {self.address.place}: something else answered: {error}") from error

    def _note(self, answer: Any) -> None:
        self._clock.note(answer.http_response.headers.get("Date"))

    def _shown(self) -> str:
        """Who asks, in words that do for a message when it cannot be found out."""
        try:
            return self._asker.shown()
        except BurgeeError:
            return "an identity of Microsoft Entra"

    def _etag(self, key: str, etag: str | None) -> str:
        if not etag:
            raise Unfit(f"{key} in {self.url} has no ETag; burgee can only publish where versions have names")
        return etag


def open_azblob(url: str, environ: Mapping[str, str], *, pace: Pace | None = None) -> RemoteObjects:
    """The objects at `azblob://account/container/prefix`, asked for as who `environ` says.

    Raises ConfigurationError.
    """
    address = read_azblob_address(url)
    pace = pace or Pace()
    return RemoteObjects(AzblobWire(address, an_asker(address, environ), pace=pace), pace=pace)
