"""The listener over real sockets on loopback, port 0."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from burgee.core.errors import ConfigurationError, FlagNotFound
from burgee.host.answering import Answering
from burgee.host.listener import Listener, Options
from burgee.serve.message import Request, Response
from tests.servers.asking import status_of

pytestmark = pytest.mark.integration
SHARED = Path(__file__).parents[2] / "shared"


class Site:
    """An answer for each path the tests ask for."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.endless = threading.Event()

    def __call__(self, request: Request) -> Response:
        if request.path == "/lines":
            return Response(200, (("Content-Type", "text/plain"),), iter([b"one\n", b"two\n"]))
        if request.path == "/forever":
            return Response(200, (("Content-Type", "text/event-stream"),), self._forever())
        if request.path == "/broken":
            return Response(200, (), self._broken())
        if request.path == "/slow":
            self.endless.wait(30)
        if request.path == "/missing":
            raise FlagNotFound("default", "a")
        if request.path == "/fault":
            raise ZeroDivisionError
        if request.path == "/empty":
            return Response(204)
        echo = f"{request.method} {request.path} {request.query} {request.headers.get('x')} {len(request.body)}"
        return Response(200, (("Content-Type", "text/plain"),), echo.encode())

    def _forever(self) -> Iterator[bytes]:
        try:
            while not self.endless.wait(0.01):
                yield b"data: x\n\n"
        finally:
            self.closed.set()

    def _broken(self) -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


@pytest.fixture(scope="module")
def listener(site: Site) -> Iterator[Listener]:
    routes = {"/inner": Answering(lambda request: Response(200, (), b"inner " + request.path.encode()))}
    with Listener(site, routes=routes, options=Options(port=0, largest_body=1000)) as listener:
        yield listener


@pytest.fixture
def connection(listener: Listener) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    yield connection
    connection.close()


def test_a_request_is_passed_on_decoded(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/caf%C3%A9/a%20b?x=%20y&z")
    for name, value in (("X", "1"), ("x", "2"), ("Content-Length", "3")):
        connection.putheader(name, value)
    connection.endheaders(b"abc")
    response = connection.getresponse()
    assert response.read().decode() == "POST /café/a b x=%20y&z 1, 2 3"
    names = {name.lower() for name, _ in response.getheaders()}
    assert names == {"content-type", "content-length", "date"}


def test_head_has_the_headers_of_get_and_no_body(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/x")
    response = connection.getresponse()
    assert response.getheader("content-length") == str(len("GET /x  None 0"))
    assert response.read() == b""
    connection.request("HEAD", "/lines")
    assert connection.getresponse().read() == b""
    connection.request("GET", "/x")
    assert connection.getresponse().read() == b"GET /x  None 0"


def test_an_answer_without_content_has_no_length(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/empty")
    response = connection.getresponse()
    assert (response.status, response.read(), response.getheader("content-length")) == (204, b"", None)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused(connection: http.client.HTTPConnection, chunked: bool) -> None:
    connection.request("POST", "/x", body=iter([b"x" * 600, b"x" * 600]) if chunked else b"x" * 1001)
    response = connection.getresponse()
    assert (response.status, response.read()) == (413, b"the body is larger than 1000 bytes; send less\n")


def test_an_iterator_is_streamed(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/lines")
    response = connection.getresponse()
    assert response.getheader("transfer-encoding") == "chunked"
    assert response.read() == b"one\ntwo\n"


def test_an_iterator_is_closed_when_its_client_goes_away(listener: Listener, site: Site) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.sendall(b"GET /forever HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100)
    assert site.closed.wait(10)


def test_an_iterator_that_fails_breaks_the_connection_off(
    connection: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.request("GET", "/broken")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        connection.getresponse().read()
    assert "the body of GET /broken broke off" in caplog.text


def test_errors_are_answered_with_their_status(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/missing")
    response = connection.getresponse()
    assert (response.status, response.read()) == (404, b'flag "default/a" not found\n')


def test_a_fault_is_answered_without_its_details(
    connection: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.request("GET", "/fault")
    response = connection.getresponse()
    assert response.status == 500 and b"ZeroDivision" not in response.read()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("path", "inner"), [("/inner", True), ("/inner/x", True), ("/innermost", False)])
def test_routes_are_whole_segments(connection: http.client.HTTPConnection, path: str, inner: bool) -> None:
    connection.request("GET", path)
    assert connection.getresponse().read().startswith(b"inner") is inner


def test_a_port_that_is_taken_is_told_before_anything_is_served(listener: Listener) -> None:
    second = Listener(lambda _: Response(200), options=Options(port=listener.port))
    with pytest.raises(ConfigurationError, match=rf"port {listener.port} of 127.0.0.1 is taken .* --port or PORT"):
        second.start()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("256.0.0.1", 0)])
def test_an_address_that_is_none_is_told(host: str, port: int) -> None:
    with pytest.raises(ConfigurationError, match="--port or PORT"):
        Listener(lambda _: Response(200), options=Options(host=host, port=port)).bind()


def test_stopping_ends_idle_connections_at_once() -> None:
    with Listener(Site(), options=Options(port=0, grace=20)) as listener, _connected(listener) as idle:
        idle.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(100)
        began = time.monotonic()
        listener.stop()
        assert time.monotonic() - began < 5


def test_an_answer_that_does_not_end_is_broken_off_at_the_end_of_the_grace() -> None:
    site = Site()
    with Listener(site, options=Options(port=0, grace=1)) as listener, _connected(listener) as client:
        client.sendall(b"GET /forever HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100)
        began = time.monotonic()
        listener.stop()
        assert time.monotonic() - began < 5
    assert site.closed.wait(10)


def test_ctrl_c_and_sigterm_end_a_process_quickly_without_a_traceback(tmp_path: Path) -> None:
    script = (
        "from burgee.host.listener import Listener, Options\n"
        "from burgee.serve.message import Response\n"
        "import time\n"
        "def answer(request):\n"
        "    time.sleep(60) if request.path == '/slow' else None\n"
        "    return Response(200, (), b'x')\n"
        "listener = Listener(answer, options=Options(port=0, grace=1))\n"
        "listener.bind()\n"
        "print(listener.port, flush=True)\n"
        "print('signal', listener.run_until_signal())\n"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda number: _ended_by(command, number), (signal.SIGINT, signal.SIGTERM))
        assert list(ended) == [(0, "signal 2\n", ""), (0, "signal 15\n", "")]


def _ended_by(command: list[str], number: signal.Signals) -> tuple[int, str, str]:
    """What a serving process leaves when the signal comes amid an idle connection and an open request."""
    environ = {"PYTHONPATH": str(SHARED)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    with process:
        assert process.stdout is not None
        address = ("127.0.0.1", int(process.stdout.readline()))
        with socket.create_connection(address) as idle, socket.create_connection(address) as slow:
            idle.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(10)
            slow.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            process.send_signal(number)
            output, errors = process.communicate(timeout=8)
    return process.returncode, output, errors


def test_answers_do_not_wait_for_one_another() -> None:
    site = Site()
    with Listener(site, options=Options(port=0, grace=5)) as listener:
        slow = [http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10) for _ in range(50)]
        for connection in slow:
            connection.request("GET", "/slow")
        fast = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=5)
        fast.request("GET", "/x")
        assert fast.getresponse().read() == b"GET /x  None 0"
        site.endless.set()
        for connection in (*slow, fast):
            connection.close()


def test_past_the_most_at_once_a_request_is_told_to_come_back() -> None:
    site = Site()
    few = Answering(site, most_at_once=1)
    with Listener(site, routes={"/slow": few}, options=Options(port=0)) as listener, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(status_of, listener.port, "/slow") for _ in range(2)]
        refused = next(as_completed(asked, timeout=10)).result()
        site.endless.set()
        assert sorted(each.result(10) for each in asked) == [200, 503]
        assert refused == 503


def test_a_body_that_does_not_come_is_not_waited_for(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burgee.host.answering.BODY_SECONDS", 0.2)
    answer = _answer_to(listener, [b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"])
    assert answer.startswith(b"HTTP/1.1 408 ") and b"the body did not come within 0.2 seconds" in answer


@pytest.mark.parametrize("before", [b"", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_head_that_comes_byte_by_byte_is_not_waited_for(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr("burgee.host.connection.HEAD_SECONDS", 0.5)
    answer = _answer_to(listener, [before, *(b"%c" % byte for byte in b"GET /" + b"x" * 200)])
    assert answer.count(b"HTTP/1.1 200") == bool(before)


def test_past_the_most_connections_a_request_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burgee.host.listener.MOST_CONNECTIONS", 3)
    with Listener(Site(), options=Options(port=0)) as listener:
        idle = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(3)]
        assert status_of(listener.port, "/x") == 503
        for connection in idle:
            connection.close()


def _connected(listener: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", listener.port))


def _answer_to(listener: Listener, pieces: list[bytes]) -> bytes:
    """What comes back for pieces that are sent slowly, until the listener closes the connection."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as client:
        answer = b""
        for piece in pieces:
            try:
                client.sendall(piece)
                client.settimeout(0.05)
                received = client.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:
                return answer
            if not received:
                return answer
            answer += received
        client.settimeout(10)
        while received := client.recv(1000):
            answer += received
        return answer
