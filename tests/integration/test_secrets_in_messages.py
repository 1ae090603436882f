"""No message repeats what proves who asks, also when it is a library's own words that are passed on."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from burgee.bundle import keys
from burgee.core.errors import Denied, Unavailable
from burgee.fetch.http import HttpFetcher
from burgee.fetch.opening import open_fetcher
from burgee.store.azblob import open_azblob
from burgee.store.pace import Pace
from burgee.store.registry import open_registry
from burgee.store.remote import RemoteObjects
from tests.servers.played import Answer, Asked, played

pytestmark = pytest.mark.integration

ONCE = Pace(tries=1, connect=2, answer=2)
SIGNED = {"AZURE_STORAGE_SAS_TOKEN": "sv=2021-08-06&sp=rl&sig=hidden%3D"}
READS: dict[str, Callable[[RemoteObjects], object]] = {
    "get": lambda objects: objects.get(keys.INDEX),
    "list": lambda objects: list(objects.list("environments/")),
    "put": lambda objects: objects.put_new("k", b"x", content_type="text/plain", cache_control="no-cache"),
}


@contextmanager
def untrusted(folder: Path) -> Iterator[str]:
    """The address of a server by https whose certificate nobody has signed."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(5)


@pytest.mark.parametrize("verb", READS)
def test_a_container_that_nobody_answers_for_is_said_without_the_signed_url(verb: str) -> None:
    objects = open_azblob("azblob://acmeflags/flags?endpoint=http://127.0.0.1:1/acmeflags", SIGNED, pace=ONCE)
    with pytest.raises(Unavailable, match=r"/acmeflags/flags: 127\.0\.0\.1: Connection refused$") as raised:
        READS[verb](objects)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("verb", READS)
def test_a_container_behind_a_certificate_that_is_not_trusted_is_said_without_the_signed_url(
    verb: str, tmp_path: Path
) -> None:
    with untrusted(tmp_path) as url:
        objects = open_azblob(f"azblob://acmeflags/flags?endpoint={url}", SIGNED, pace=ONCE)
        with pytest.raises(Unavailable, match=r"localhost: self-signed certificate$") as raised:
            READS[verb](objects)
    assert "hidden" not in str(raised.value)


def test_a_registry_that_leads_to_a_certificate_that_is_not_trusted_is_said_without_what_signs_it(
    tmp_path: Path,
) -> None:
    with untrusted(tmp_path) as url:
        leads: Answer = (307, b"", {"Location": f"{url}/layer?X-Amz-Signature=hidden"})
        with played(lambda asked: leads) as server:
            registry = open_registry(f"{server.url.replace('http:', 'oci:')}/acme/flags", {}, pace=ONCE)
            with pytest.raises(Unavailable, match=r"certificate is not trusted \(localhost: self-signed") as raised:
                registry.get_blob(f"sha256:{'a' * 64}", max_bytes=100)
    assert "hidden" not in str(raised.value)


def test_a_reader_says_where_it_was_led_to_without_what_signs_it() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.startswith("/signed"):
            return 403, b"", {}
        return 302, b"", {"Location": "/signed?sig=hidden"}

    with played(answer) as server:
        fetcher = HttpFetcher(server.url)
        with pytest.raises(Denied, match="/signed: 403 ") as raised:
            fetcher.get(keys.INDEX)
        fetcher.close()
    assert "hidden" not in str(raised.value)


def test_a_bucket_that_leads_elsewhere_is_said_without_what_signs_it() -> None:
    with played(lambda asked: (302, b"", {"Location": "http://127.0.0.1:1/x?sig=hidden"})) as server:
        fetcher = open_fetcher(f"gs://acme-flags?endpoint={server.url}", {})
        with pytest.raises(Unavailable, match=r"it leads to http://127\.0\.0\.1:1/x$") as raised:
            fetcher.get(keys.INDEX)
    assert "hidden" not in str(raised.value)
