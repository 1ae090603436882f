"""Reading from web servers: Python's own over a store's folder, and a scripted one that misbehaves."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from burgee.core.errors import Denied, InvalidDocument, NotFound, Unavailable
from burgee.fetch.connections import PATIENCE, Connections, Patience
from burgee.fetch.http import HttpFetcher
from burgee.fetch.live import Live
from burgee.fetch.port import NOT_MODIFIED
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.children import in_a_child
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"
ON = a_document(enabled=True)
OFF = a_document(enabled=False)


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler], port: int = 0) -> Iterator[ThreadingHTTPServer]:
    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def fetching(
    server: ThreadingHTTPServer, *, scheme: str = "http", host: str = "127.0.0.1", patience: Patience = PATIENCE
) -> Iterator[HttpFetcher]:
    fetcher = HttpFetcher(f"{scheme}://{host}:{server.server_port}/base/", patience=patience)
    try:
        yield fetcher
    finally:
        fetcher.close()


class Scripted(BaseHTTPRequestHandler):
    """Answers each request with the next of `answers`; notes (connection, path, headers) in `seen`."""

    protocol_version = "HTTP/1.1"
    answers: list[Callable[[Scripted], object]]
    seen: list[tuple[int, str, dict[str, str]]]

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.client_address[1], self.path, headers))
        self.answers.pop(0)(self)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def a_server_that(
    *answers: Callable[[Scripted], object], patience: Patience = PATIENCE
) -> Iterator[tuple[HttpFetcher, type[Scripted]]]:
    handler = type("Handler", (Scripted,), {"answers": list(answers), "seen": []})
    with serving(handler) as server, fetching(server, patience=patience) as fetcher:
        yield fetcher, handler


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Scripted], object]:
    """An answer with that status, body and headers; `Content_Length` overrides the right one."""

    def give(handler: Scripted) -> None:
        handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | named).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return give


def hang_up(handler: Scripted) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def then_hang_up(give: Callable[[Scripted], object]) -> Callable[[Scripted], object]:
    def both(handler: Scripted) -> None:
        give(handler)
        handler.close_connection = True

    return both


def test_an_object_is_asked_for_below_the_base_with_plain_bytes_wanted() -> None:
    with a_server_that(answer(200, b"content", ETag='"v1"')) as (fetcher, server):
        assert fetcher.get("a,b_c/d-e") == (b"content", '"v1"')
    _, path, headers = server.seen[0]
    assert path == "/base/a,b_c/d-e"
    assert headers["accept-encoding"] == "identity"
    assert "if-none-match" not in headers


def test_an_etag_asks_for_news_and_an_unchanged_object_is_not_modified() -> None:
    with a_server_that(answer(304)) as (fetcher, server):
        assert fetcher.get(KEY, 'W/"v1"') is NOT_MODIFIED
    assert server.seen[0][2]["if-none-match"] == 'W/"v1"'


LONG_AGO = "Fri, 01 Jan 2021 00:00:00 GMT"


def test_without_an_etag_the_last_modified_of_a_settled_object_asks_for_news() -> None:
    with a_server_that(answer(200, b"content", Last_Modified=LONG_AGO), answer(304)) as (fetcher, server):
        fetched = fetcher.get(KEY)
        assert fetched.etag == LONG_AGO
        assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED
    assert server.seen[1][2]["if-modified-since"] == LONG_AGO


def test_a_last_modified_of_this_very_second_is_no_validator() -> None:
    def now(handler: Scripted) -> None:
        answer(200, b"content", Last_Modified=handler.date_time_string())(handler)

    with a_server_that(now, answer(200, b"x", Last_Modified="nonsense"), answer(200, b"x", ETag="bare")) as (
        fetcher,
        _,
    ):
        assert [fetcher.get(KEY).etag for _ in range(3)] == [None, None, None]


def test_one_connection_serves_many_requests() -> None:
    answers = [answer(200, b"one"), answer(304), answer(200, b""), answer(200, b"four")]
    with a_server_that(*answers) as (fetcher, server):
        assert fetcher.get(KEY).content == b"one"
        assert fetcher.get(KEY, '"v1"') is NOT_MODIFIED
        assert fetcher.get(KEY).content == b""
        assert fetcher.get(KEY).content == b"four"
    assert len({port for port, _, _ in server.seen}) == 1


def test_a_kept_connection_that_was_closed_is_replaced_once() -> None:
    with a_server_that(answer(200, b"one"), hang_up, answer(200, b"two"), hang_up, hang_up) as (fetcher, server):
        assert fetcher.get(KEY).content == b"one"
        assert fetcher.get(KEY).content == b"two"
        with pytest.raises(Unavailable):
            fetcher.get(KEY)
    assert len(server.seen) == 5


def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    with a_server_that(hang_up, answer(200, b"")) as (fetcher, server):
        with pytest.raises(Unavailable, match=r"GET http://127\.0\.0\.1:.*closed connection without response"):
            fetcher.get(KEY)
        assert len(server.seen) == 1


STATUSES = {404: NotFound, 410: NotFound, 401: Denied, 403: Denied}
STATUSES |= dict.fromkeys((204, 206, 304, 400, 429, 500, 503), Unavailable)


@pytest.mark.parametrize(("status", "error"), STATUSES.items())
def test_every_other_status_is_an_error_that_names_the_address(status: int, error: type[Exception]) -> None:
    with (
        a_server_that(answer(status)) as (fetcher, _),
        pytest.raises(error, match=rf"GET http://127\.0\.0\.1:\d+/base/{KEY}: {status}"),
    ):
        fetcher.get(KEY)


def test_redirects_are_followed_on_the_same_scheme() -> None:
    answers = [answer(302, Location="/elsewhere?a=b"), answer(308, Location="again"), answer(200, b"content")]
    with a_server_that(*answers) as (fetcher, server):
        assert fetcher.get(KEY).content == b"content"
    assert [path for _, path, _ in server.seen][1:] == ["/elsewhere?a=b", "/again"]


@pytest.mark.parametrize(
    "location", ["https://127.0.0.1/x", "file:///etc/passwd", "//", "http://[x", "http://h:x/", ""]
)
def test_redirects_to_another_scheme_or_nowhere_are_refused(location: str) -> None:
    with a_server_that(answer(302, Location=location)) as (fetcher, _), pytest.raises(Unavailable):
        fetcher.get(KEY)


@pytest.mark.parametrize("location", ["/a b", "/é", "http://" + "a" * 70 + "/"])
def test_redirects_that_no_request_can_name_are_unavailable(location: str) -> None:
    with a_server_that(answer(302, Location=location)) as (fetcher, _), pytest.raises(Unavailable):
        fetcher.get(KEY)


def test_redirects_that_never_end_are_bounded() -> None:
    with a_server_that(*[answer(302, Location="/round")] * 9) as (fetcher, server):
        with pytest.raises(Unavailable, match="more than 3 redirects"):
            fetcher.get(KEY)
        assert len(server.seen) == 4


def test_a_body_longer_than_the_bound_is_refused_before_it_is_read() -> None:
    long = answer(200, b"x" * 10, Content_Length="99999999999")
    wanted = pytest.raises(InvalidDocument, match="99999999999 bytes, wanted at most 10")
    with a_server_that(long) as (fetcher, _), wanted:
        fetcher.get(KEY, max_bytes=10)


def test_an_endless_body_is_refused_at_the_bound() -> None:
    def endless(handler: Scripted) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            handler.close_connection = True

    with a_server_that(endless) as (fetcher, _), pytest.raises(InvalidDocument, match="more than the 100000 bytes"):
        fetcher.get(KEY, max_bytes=100_000)


def test_a_chunked_body_of_just_the_bound_is_read_and_the_connection_kept() -> None:
    def chunked(handler: Scripted) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")

    with a_server_that(chunked, answer(200, b"next")) as (fetcher, server):
        assert fetcher.get(KEY, max_bytes=10).content == b"helloworld"
        assert fetcher.get(KEY).content == b"next"
    assert len({port for port, _, _ in server.seen}) == 1


@pytest.mark.parametrize(
    "give",
    [
        then_hang_up(answer(200, b"half", Content_Length="8")),
        then_hang_up(answer(200, b"8\r\nhalf", Transfer_Encoding="chunked")),
        answer(200, b"zipped", Content_Encoding="gzip"),
        then_hang_up(lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")),
    ],
)
def test_a_body_that_is_cut_short_or_encoded_or_no_http_is_unavailable(give: Callable[[Scripted], object]) -> None:
    with a_server_that(give) as (fetcher, _), pytest.raises(Unavailable):
        fetcher.get(KEY)


def test_a_server_that_does_not_answer_is_unavailable_in_bounded_time() -> None:
    impatient = PATIENCE._replace(read=0.05)
    silent = a_server_that(lambda handler: time.sleep(0.3), patience=impatient)
    with silent as (fetcher, _), pytest.raises(Unavailable, match="timed out"):
        fetcher.get(KEY)


def a_trickle(status: int) -> Callable[[Scripted], object]:
    """An answer whose body comes byte by byte, each one in time."""

    def trickle(handler: Scripted) -> None:
        answer(status, b"", Content_Length="1000")(handler)
        try:
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.01)
        except OSError:
            pass
        handler.close_connection = True

    return trickle


def test_a_body_that_trickles_is_unavailable_in_bounded_time() -> None:
    impatient = PATIENCE._replace(whole=0.1)
    slow = a_server_that(a_trickle(200), patience=impatient)
    with slow as (fetcher, _), pytest.raises(Unavailable, match=r"not whole after 0\.1 s"):
        fetcher.get(KEY)


def a_trickle_of(before: bytes, piece: bytes) -> Callable[[Scripted], object]:
    """What never comes to a body that ends, each piece of it in time."""

    def trickle(handler: Scripted) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.wfile.write(before)
            for _ in range(300):
                handler.wfile.write(piece)
                time.sleep(0.01)

    return trickle


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", id="a header's value"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="one head that is none after the other"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x", id="the size of a chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: y\r\n", id="trailers"
        ),
    ],
)
def test_what_trickles_around_a_body_is_unavailable_in_bounded_time(before: bytes, piece: bytes) -> None:
    impatient = PATIENCE._replace(whole=0.1)
    began = time.monotonic()
    with a_server_that(a_trickle_of(before, piece), patience=impatient) as (fetcher, _):
        with pytest.raises(Unavailable, match=r"not whole after 0\.1 s"):
            fetcher.get(KEY)
        assert time.monotonic() - began < 2.0


def test_dates_that_no_calendar_has_are_no_validator() -> None:
    impossible = answer(200, b"content", Last_Modified="Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
    with a_server_that(impossible) as (fetcher, _):
        assert fetcher.get(KEY) == (b"content", None)


def test_what_a_server_says_instead_of_http_is_shown_on_one_line() -> None:
    rude = then_hang_up(lambda handler: handler.wfile.write(b"\x1b[2J" + b"x" * 9_000 + b"\r\n"))
    with a_server_that(rude) as (fetcher, _), pytest.raises(Unavailable) as caught:
        fetcher.get(KEY)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1_000


def test_an_error_whose_text_trickles_or_breaks_off_is_the_error_it_says_in_bounded_time() -> None:
    impatient = PATIENCE._replace(whole=0.1)
    broken = then_hang_up(answer(404, b"half", Content_Length="8"))
    with a_server_that(a_trickle(404), broken, patience=impatient) as (fetcher, server):
        for _ in range(2):
            with pytest.raises(NotFound):
                fetcher.get(KEY)
    assert len({port for port, _, _ in server.seen}) == 2


def test_a_connection_is_kept_over_an_error_that_was_read_to_its_end() -> None:
    with a_server_that(answer(404, b"no"), answer(503, b"x" * 10_000), answer(200, b"content")) as (fetcher, server):
        with pytest.raises(NotFound):
            fetcher.get(KEY)
        with pytest.raises(Unavailable):
            fetcher.get(KEY)
        assert fetcher.get(KEY).content == b"content"
    assert len({port for port, _, _ in server.seen}) == 1


def test_connections_are_kept_to_the_places_asked_of_late_and_not_to_any_number_of_them() -> None:
    seen: list[tuple[int, str, dict[str, str]]] = []
    answers = [answer(200, b"")] * 11
    handler = type("Handler", (Scripted,), {"answers": answers, "seen": seen})
    connections = Connections()
    with ExitStack() as stack:
        urls = [f"http://127.0.0.1:{stack.enter_context(serving(handler)).server_port}/" for _ in range(5)]
        stack.callback(connections.close)
        for url in (*urls[:4], *urls[:4], urls[4]):
            connections.get(url, {}, max_bytes=1, deadline=connections.deadline())
        ports = [port for port, _, _ in seen]
        assert ports[:4] == ports[4:8]
        seen.clear()
        for url in (urls[4], urls[0]):
            connections.get(url, {}, max_bytes=1, deadline=connections.deadline())
        assert [port in ports for port, _, _ in seen] == [True, False]


def test_a_kept_connection_that_was_dropped_in_silence_is_replaced_once() -> None:
    impatient = PATIENCE._replace(read=0.05)
    answers = [answer(200, b"one"), lambda handler: time.sleep(0.3), answer(200, b"two")]
    with a_server_that(*answers, patience=impatient) as (fetcher, server):
        assert fetcher.get(KEY).content == b"one"
        assert fetcher.get(KEY).content == b"two"
    assert len(server.seen) == 3


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Unavailable, match="Connection refused"):
        HttpFetcher(f"http://127.0.0.1:{port}").get(KEY)


def test_proxies_of_the_environment_are_not_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with a_server_that(answer(200, b"direct")) as (fetcher, _):
        assert fetcher.get(KEY).content == b"direct"


def test_a_forked_child_does_not_speak_on_its_parents_connection() -> None:
    with a_server_that(*[answer(200, b"content")] * 3) as (fetcher, server):
        fetcher.get(KEY)
        assert in_a_child(lambda: fetcher.get(KEY).content == b"content")
        fetcher.get(KEY)
        ports = [port for port, _, _ in server.seen]
    assert ports[0] == ports[2] != ports[1]


def test_https_is_verified_against_the_systems_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    seen: list[tuple[int, str, dict[str, str]]] = []
    handler = type("Handler", (Scripted,), {"answers": [answer(200, b"secret")] * 2, "seen": seen})
    with ExitStack() as stack:
        server = stack.enter_context(serving(handler))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
        untrusting = stack.enter_context(fetching(server, scheme="https", host="localhost"))
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            untrusting.get(KEY)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = stack.enter_context(fetching(server, scheme="https", host="localhost"))
        assert trusting.get(KEY).content == b"secret"
        assert trusting.get(KEY).content == b"secret"
    assert len({port for port, _, _ in seen}) == 1


# A live snapshot over Python's own web server, which knows no ETags


def static(folder: Path, statuses: list[int]) -> Callable[..., BaseHTTPRequestHandler]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            statuses.append(int(code))

        def log_message(self, *arguments: object) -> None:
            pass

    return lambda *arguments: Quiet(*arguments, directory=str(folder))


def test_a_live_snapshot_reads_a_folder_behind_a_plain_web_server_through_an_outage(tmp_path: Path) -> None:
    store = ObjectStore(FileObjects(tmp_path))
    clock = VirtualClock()
    statuses: list[int] = []
    publish(store, {"default": ON}, at=clock.wall())
    with serving(static(tmp_path, statuses)) as server:
        fetcher = HttpFetcher(f"http://127.0.0.1:{server.server_port}")
        live = Live(fetcher, "staging", ttl_ms=60_000, clock=clock, random=lambda: 0.0)
        assert live.current().release.revision == 1
        publish(store, {"default": OFF}, at=clock.wall())
        clock.advance(60_000)
        assert live.current().release.revision == 2
        port = server.server_port
    clock.advance(60_000)
    assert live.current().release.revision == 2
    assert "refused" in str(live.status().last_error)
    publish(store, {"default": ON}, at=clock.wall())
    with serving(static(tmp_path, statuses), port):
        clock.advance(1_000)
        assert live.current().release.revision == 3
        assert live.status().last_error is None
    fetcher.close()
    # Three times the head and the one document that changed.
    assert statuses == [200] * 6


def test_an_unchanged_head_behind_a_plain_web_server_is_not_sent_again_once_it_has_settled(tmp_path: Path) -> None:
    store = ObjectStore(FileObjects(tmp_path))
    clock = VirtualClock()
    statuses: list[int] = []
    publish(store, {"default": ON}, at=clock.wall())
    ten_seconds_ago = time.time() - 10
    os.utime(tmp_path / KEY, (ten_seconds_ago, ten_seconds_ago))
    with serving(static(tmp_path, statuses)) as server:
        fetcher = HttpFetcher(f"http://127.0.0.1:{server.server_port}")
        live = Live(fetcher, "staging", ttl_ms=60_000, clock=clock, random=lambda: 0.0)
        live.current()
        for _ in range(3):
            clock.advance(60_000)
            live.current()
        fetcher.close()
    assert statuses == [200, 200, 304, 304, 304]
    assert live.status().age_ms == 0
