"""Azure's Blob Storage and Storage queues on loopback, as the npm package `azurite` plays them.

It checks shared keys, signed URLs and who may read a container without; tokens of Microsoft Entra it does not know.
"""

from __future__ import annotations

import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings, PublicAccess, generate_container_sas

from burgee.bundle.keys import JSON, cache_control

from .dev import wait_for

PROGRAM = Path(__file__).parents[1] / "e2e" / "clients" / "node_modules" / ".bin" / "azurite"
ACCOUNT = "devstoreaccount1"
# The real services know newer versions of the protocol than it does, and so do their clients.
_OPTIONS = (
    *("--blobPort", "0", "--queuePort", "0", "--tablePort", "0", "--extentMemoryLimit", "1024"),
    *("--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--disableProductStyleUrl"),
)
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (http://\S+)")
# `127.0.0.1 - - [22/Nov/2026:19:25:29 +0000] "PUT /devstoreaccount1/c/k?comp=x HTTP/1.1" 201 -`
_ASKED = re.compile(r'"(\S+) (\S+) HTTP/[\d.]+" (\d+)')


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running server; both URLs end with the account's name, and `key` opens everything of it."""

    blob_url: str
    queue_url: str
    key: str
    log: Path
    account: str = ACCOUNT

    def environ(self, **more: str) -> dict[str, str]:
        """The variables of who has the account's key."""
        return {"AZURE_STORAGE_KEY": self.key, **more}

    def store_url(self, container: str, prefix: str = "") -> str:
        """The URL of a store there."""
        return f"azblob://{self.account}/{container}/{prefix.strip('/')}".rstrip("/") + f"?endpoint={self.blob_url}"

    def client(self) -> BlobServiceClient:
        """Microsoft's own client."""
        return BlobServiceClient(self.blob_url, credential=self.key, retry_total=0)

    def make_container(self, name: str, *, public: bool = False) -> str:
        """Its name; of a `public` one everybody may read blobs, and nobody list them."""
        with self.client() as client:
            client.create_container(name, public_access=PublicAccess.BLOB if public else None)
        return name

    def empty_container(self, name: str) -> str:
        """Its name, once it is there and nothing is in it."""
        with self.client() as client, suppress(ResourceNotFoundError):
            client.delete_container(name)
        return self.make_container(name)

    def put(self, container: str, key: str, content: bytes, *, prefix: str = "") -> None:
        """One blob below the prefix, as a publisher writes it."""
        path = f"{prefix.strip('/')}/{key}".lstrip("/")
        settings = ContentSettings(content_type=JSON, cache_control=cache_control(key))
        with self.client() as client:
            client.get_blob_client(container, path).upload_blob(content, overwrite=True, content_settings=settings)

    def sas(self, container: str, *, rights: str = "r", seconds: float = 3600) -> str:
        """The query of a signed URL for a container, such as `rcwl`, which expires so many seconds from now."""
        text: str = generate_container_sas(
            self.account,
            container,
            account_key=self.key,
            permission=rights,
            expiry=datetime.now(UTC) + timedelta(seconds=seconds),
        )
        return text

    def requests(self) -> list[tuple[str, str, int]]:
        """Method, address and status of every request so far, in the order of their answers."""
        return [
            (method, path, int(status)) for method, path, status in _ASKED.findall(self.log.read_text(errors="replace"))
        ]

    def writes(self, container: str, name: str) -> int:
        """How many writes of a blob were done: of racers on one, one of them is."""
        path = f"/{self.account}/{container}/{quote(name, safe='/~')}"
        return self.requests().count(("PUT", path, 201))


@contextmanager
def azurite() -> Iterator[Azurite]:
    """A server with nothing in it, on free ports, until the context ends; skips where the package is not installed."""
    if not PROGRAM.exists():
        pytest.skip("that needs the npm package azurite; `make test` installs it where there is npm")
    key = b64encode(os.urandom(64)).decode()
    with TemporaryDirectory() as folder:
        log = Path(folder) / "azurite.log"
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(PROGRAM), *_OPTIONS],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=environ,
            )
        try:
            assert wait_for(lambda: process.poll() is not None or len(_listening(log)) == 3), log.read_text()
            assert process.poll() is None, log.read_text()
            urls = _listening(log)
            yield Azurite(f"{urls['Blob']}/{ACCOUNT}", f"{urls['Queue']}/{ACCOUNT}", key, log)
        finally:
            process.terminate()
            process.wait(10)


def _listening(log: Path) -> dict[str, str]:
    return dict(_LISTENING.findall(log.read_text(errors="replace")))
