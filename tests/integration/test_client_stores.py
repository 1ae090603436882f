"""The client over real stores: folders, web servers, sockets that hang, and a disk that processes share."""

from __future__ import annotations

import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, time
from typing import Any

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.client import Client
from burgee.core.errors import DigestMismatch, InvalidDocument, NotReady, Unavailable
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.builders import a_boolean_flag
from tests.builders import a_document as of_flags
from tests.fakes.children import in_a_child
from tests.fakes.publisher import a_document
from tests.fakes.publisher import publish as publish_at

pytestmark = pytest.mark.integration

SECONDS = 20.0
STRANGER = os.getuid() or 65_534
HEAD = "environments/staging/head.json"
ON = a_document(enabled=True)
OFF = a_document(enabled=False)


def publish(folder: Path, content: bytes = ON, **how: Any) -> int:
    """The revision that the folder has from now on."""
    store = ObjectStore(FileObjects(folder))
    revision: int = publish_at(store, {"default": content}, at=int(time() * 1000), **how).revision
    return revision


@contextmanager
def serving(
    folder: Path, *, certificate: tuple[Path, Path] | None = None, port: int = 0, keep_alive: bool = False
) -> Iterator[str]:
    """The address of Python's own web server over a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

        def log_message(self, *arguments: object) -> None:
            pass

    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer(
        ("127.0.0.1", port), lambda *arguments: Quiet(*arguments, directory=str(folder))
    ) as server:
        server.daemon_threads = True
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
        scheme, host = "http", "127.0.0.1"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme, host = "https", "localhost"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"{scheme}://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(SECONDS)


@contextmanager
def silence() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate for localhost, which this process trusts, and its key."""
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {paths[1]} -out {paths[0]}".split(),
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    return paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "store"
    publish(made)
    return made


def is_on(client: Client) -> bool:
    return bool(client.boolean("on", "user-1"))


# Folders and web servers


def test_a_client_reads_a_folder_and_sees_what_is_published_to_it(folder: Path) -> None:
    with Client(folder.as_uri(), environment="staging") as client:
        assert is_on(client)
        publish(folder, OFF)
        client.refresh()
        assert not is_on(client)


def test_a_client_reads_a_web_server_over_https(folder: Path, certificate: tuple[Path, Path]) -> None:
    with (
        serving(folder, certificate=certificate) as url,
        Client(url, environment="staging") as client,
    ):
        assert is_on(client)
        publish(folder, OFF)
        client.refresh()
        assert not is_on(client)


def test_a_client_refuses_a_web_server_that_it_cannot_trust(
    folder: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(folder, certificate=certificate) as url, Client(url, environment="staging") as client:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            client.refresh()
        with pytest.raises(NotReady):
            is_on(client)


@pytest.mark.parametrize("refresh", ["lazy", "background"])
def test_what_is_published_is_answered_from_within_the_ttl(folder: Path, refresh: Any) -> None:
    with serving(folder) as url, Client(url, environment="staging", ttl=0.1, refresh=refresh) as client:
        assert is_on(client)
        revision = publish(folder, OFF)
        published = perf_counter()
        while client.boolean("on", "x").revision != revision:
            assert perf_counter() < published + SECONDS


def test_a_document_whose_bytes_are_not_what_its_name_says_is_refused(folder: Path) -> None:
    with serving(folder) as url, Client(url, environment="staging") as client:
        publish(folder, OFF)
        blob = folder / keys.blob(digest_of(OFF))
        blob.chmod(0o600)
        blob.write_bytes(OFF.replace(b'"On"', b'"No"'))
        with pytest.raises(DigestMismatch):
            client.refresh()
        assert is_on(client)
        blob.write_bytes(OFF)
        client.refresh()
        assert not is_on(client)


def test_a_store_that_was_put_back_to_an_older_state_is_refused_also_after_a_restart(
    folder: Path, tmp_path: Path
) -> None:
    disk = str(tmp_path / "disk")
    before = (folder / HEAD).read_bytes()
    publish(folder, OFF)
    with Client(folder.as_uri(), environment="staging", disk=disk) as client:
        assert not is_on(client)
    (folder / HEAD).chmod(0o600)
    (folder / HEAD).write_bytes(before)
    for _ in range(2):
        with Client(folder.as_uri(), environment="staging", disk=disk) as client:
            with pytest.raises(InvalidDocument, match="went back from revision 2 to 1"):
                client.refresh()
            assert not is_on(client)


def test_two_environments_in_one_process_answer_each_from_its_own_store(folder: Path) -> None:
    publish(folder, OFF, environment="production")
    with (
        serving(folder) as url,
        Client(url, environment="staging") as staging,
        Client(url, environment="production") as production,
    ):
        assert (is_on(staging), is_on(production)) == (True, False)


# Fall-backs and outages


def test_the_next_place_answers_for_one_that_is_down_and_the_first_again_when_it_is_back(
    folder: Path, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    copytree(folder, mirror)
    with serving(mirror) as second:
        with serving(folder) as first:
            client = Client(first, second, environment="staging")
            assert is_on(client)
        publish(folder, OFF)
        copytree(folder, mirror, dirs_exist_ok=True)
        client.refresh()
        assert not is_on(client)
        publish(folder)
        with serving(folder, port=int(first.rpartition(":")[2])):
            client.refresh()
            assert client.boolean("on", "x").revision == 3
    client.close()


def test_through_an_outage_the_last_good_answers_and_is_stale_until_it_is_over(folder: Path) -> None:
    with serving(folder) as url:
        client = Client(url, environment="staging", ttl=0.05)
        assert client.boolean("on", "x").stale is False
    until = perf_counter() + SECONDS
    while not (result := client.boolean("on", "x")).stale:
        assert perf_counter() < until
    assert (result.enabled, result.revision) == (True, 1)
    assert client.status().stale is True
    with serving(folder, port=int(url.rpartition(":")[2])):
        while client.boolean("on", "x").stale:
            assert perf_counter() < until
    client.close()


def test_a_place_that_hangs_holds_up_neither_the_start_nor_any_evaluation(folder: Path) -> None:
    with silence() as hangs, Client(hangs, folder.as_uri(), environment="staging", start_timeout=0.2) as client:
        until = perf_counter() + 1.0
        taken = []
        while perf_counter() < until:
            begun = perf_counter()
            assert client.boolean("on", "x", default=True).enabled is True
            taken.append(perf_counter() - begun)
        assert max(taken) < 0.25
        # It waits five seconds for a first byte, and then goes to the next place.
        client.wait_until_ready(SECONDS)
        assert client.boolean("on", "x").revision == 1


def test_the_constructor_is_bounded_when_a_store_hangs() -> None:
    with silence() as hangs:
        begun = perf_counter()
        client = Client(hangs, environment="staging", start_timeout=0.3)
        assert 0.25 < perf_counter() - begun < 3
        assert client.ready is False
        with pytest.raises(Unavailable, match="has not answered in time"):
            client.wait_until_ready(0.1)
        client.close()


def test_a_cold_start_without_network_answers_from_disk(folder: Path, tmp_path: Path) -> None:
    disk = str(tmp_path / "disk")
    with serving(folder) as url, Client(url, environment="staging", disk=disk) as warm:
        assert is_on(warm)
    with nobody() as url, Client(url, environment="staging", disk=disk) as cold:
        assert cold.boolean("on", "x") == warm.boolean("on", "x")._replace(stale=True)
        assert "refused" in str(cold.status().last_error)


# Nothing is left open


def test_neither_a_closed_nor_a_dropped_client_leaves_a_connection_open(
    folder: Path, certificate: tuple[Path, Path]
) -> None:
    # What other tests left to the collector is not this one's.
    gc.collect()
    with (
        serving(folder, certificate=certificate, keep_alive=True) as secure,
        serving(folder, keep_alive=True) as plain,
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always", ResourceWarning)
        for url in (secure, plain):
            with Client(url, folder.as_uri(), environment="staging") as closed:
                assert is_on(closed)
            del closed
            dropped = Client(url, environment="staging")
            assert is_on(dropped)
            del dropped
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


def test_in_a_cycle_connections_are_closed_before_anything_is_finalized(folder: Path) -> None:
    class Elder:
        def __del__(self) -> None:
            open_at_the_end.append(open_sockets())

    open_at_the_end: list[int] = []
    with serving(folder, keep_alive=True) as url:
        before = open_sockets()
        elder = Elder()
        elder.client = Client(url, environment="staging")  # type: ignore[attr-defined]
        elder.cycle = elder  # type: ignore[attr-defined]
        assert is_on(elder.client)  # type: ignore[attr-defined]
        # The server's end of it may be open a moment longer.
        assert open_sockets() == before + 2
        del elder
        gc.collect()
    assert open_at_the_end[0] < before + 2


def test_closing_ends_the_connections_that_are_kept(folder: Path) -> None:
    with serving(folder, keep_alive=True) as url:
        client = Client(url, environment="staging")
        assert is_on(client)
        before = open_sockets()
        client.close()
        assert open_sockets() < before


def open_sockets() -> int:
    """How many sockets this process has open to a server."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += str(descriptor.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


# One disk, many processes

KEEP = """
import sys
from pathlib import Path
from shutil import copytree
from burgee.client import Client
client = Client(Path(sys.argv[1]).as_uri(), environment="staging", disk=sys.argv[2])
print("ready", flush=True)
while True:
    client.refresh()
"""


@contextmanager
def keeping(folder: Path, disk: Path, processes: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that look at the store all the time, and keep what they see on one disk."""
    with ExitStack() as stack:
        running = []
        for _ in range(processes):
            process = subprocess.Popen(
                [sys.executable, "-c", KEEP, str(folder), str(disk)], stdout=subprocess.PIPE, bufsize=0
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            running.append(process)
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield running


def cold_start(disk: Path) -> Client:
    with nobody() as url, Client(url, environment="staging", disk=str(disk)) as client:
        return client


def test_processes_that_share_a_disk_leave_it_whole_at_any_time(tmp_path: Path) -> None:
    folder, disk = tmp_path / "store", tmp_path / "disk"
    publish(folder, a_large_document(1))
    with keeping(folder, disk, 3) as processes:
        seen = 1
        for number in range(2, 40):
            publish(folder, a_large_document(number))
            client = cold_start(disk)
            result = client.boolean(f"flag-{client.status().revision}", "x")
            assert result.stale is True
            assert result.revision >= seen
            seen = result.revision
        assert [process.poll() for process in processes] == [None] * 3
    assert seen > 2


def test_a_process_that_is_killed_while_it_writes_leaves_the_disk_whole(tmp_path: Path) -> None:
    folder, disk = tmp_path / "store", tmp_path / "disk"
    revision = publish(folder, a_large_document(1))
    for _ in range(6):
        with keeping(folder, disk, 1) as (process,):
            for _ in range(3):
                revision = publish(folder, a_large_document(revision + 1))
            process.send_signal(signal.SIGKILL)
            process.wait(SECONDS)
        client = cold_start(disk)
        found = client.status().revision
        assert found is not None
        assert client.boolean(f"flag-{found}", "x").enabled is True
    # And whoever comes next goes on from there.
    with Client(folder.as_uri(), environment="staging", disk=str(disk)) as client:
        assert client.status().revision == revision
    assert cold_start(disk).status().revision == revision


def a_large_document(number: int) -> bytes:
    """A document that takes some time to write, with a flag of that number."""
    flags = [a_boolean_flag(f"flag-{number}", enabled=True)]
    flags += [a_boolean_flag(f"filling-{number}-{place}") for place in range(3_000)]
    return of_flags(flags).content


def test_a_disk_that_may_only_be_read_is_started_from_and_told(folder: Path) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as made, nobody() as unreachable:
        Path(made).chmod(0o755)
        store, disk = Path(made) / "store", Path(made) / "disk"
        Client(folder.as_uri(), environment="staging", disk=str(disk)).close()
        publish(folder, OFF)
        copytree(folder, store)
        for path in (store, disk, *store.rglob("*"), *disk.rglob("*")):
            os.chown(path, STRANGER, STRANGER)
            path.chmod(0o555 if path.is_dir() else 0o444)

        def starts() -> bool:
            if os.getuid() == 0:
                # The owner of everything may write whatever its mode says.
                os.setresuid(STRANGER, STRANGER, STRANGER)
            cold = Client(unreachable, environment="staging", disk=str(disk))
            answered = cold.boolean("on", "x")
            warm = Client(store.as_uri(), environment="staging", disk=str(disk))
            told = "cannot keep the release on disk" in str(warm.status().last_error)
            return bool(answered) and answered.stale and not is_on(warm) and told

        assert in_a_child(starts)
        for path in (store, disk, *store.rglob("*"), *disk.rglob("*")):
            path.chmod(0o700)
