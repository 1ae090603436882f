"""The host of function apps that tests have does what Microsoft's pages say of queues, poison, settings and errors."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from azure.storage.queue import QueueClient

from tests.functions.clouds import PATHS
from tests.servers.azure_functions import FunctionApp, running
from tests.servers.azurite import Azurite, azurite

pytestmark = pytest.mark.integration

APP = """
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="{*route}")
def asked(req: func.HttpRequest) -> func.HttpResponse:
    if req.route_params["route"] == "fails":
        raise ValueError("hidden")
    return func.HttpResponse(req.get_body(), headers={"x-seen": req.headers["X-Mine"], "x-url": req.url})


@app.queue_trigger(arg_name="msg", queue_name="%NAME%", connection="Queues")
def worked(msg: func.QueueMessage) -> None:
    assert msg.id and msg.dequeue_count and msg.pop_receipt and msg.insertion_time.year > 2000
    if msg.get_body() != b"good":
        raise ValueError(msg.get_body())


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def ticked(timer: func.TimerRequest) -> None:
    logging.info("ticked %s", timer.past_due)
"""
HOST = """{"version": "2.0", "extensions": {"http": {"routePrefix": ""}, "queues":
{"maxDequeueCount": 5, "visibilityTimeout": "00:00:00", "messageEncoding": "none"}}}"""


@pytest.fixture(scope="module")
def server() -> Iterator[Azurite]:
    with azurite() as server:
        yield server


@pytest.fixture(scope="module")
def queue(server: Azurite) -> Iterator[QueueClient]:
    with QueueClient.from_queue_url(f"{server.queue_url}/work", credential=server.key) as client:
        client.create_queue()
        yield client


@pytest.fixture(scope="module")
def app(server: Azurite, queue: QueueClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionApp]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text(HOST)
    account = f"AccountName={server.account};AccountKey={server.key};QueueEndpoint={server.queue_url}"
    environ = {
        "Queues": f"DefaultEndpointsProtocol=http;{account}",
        "NAME": "work",
        "SCHEDULE": "0 */5 * * * *",
        "AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "2",
    }
    with running(folder, folder / "log", environ=environ, paths=PATHS) as app:
        yield app


def test_a_request_reaches_the_function_as_it_was_sent(app: FunctionApp) -> None:
    asked = Request(f"{app.url}/a%20b?x=%2F", b"\x00\xff", {"x-mine": "yes"}, method="PUT")
    with urlopen(asked, timeout=10) as response:
        assert response.read() == b"\x00\xff"
        assert response.headers["x-seen"] == "yes"
        assert response.headers["x-url"] == f"{app.url}/a%20b?x=%2F"
        assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_function_that_raises_is_500_and_the_reason_is_in_the_log_alone(app: FunctionApp) -> None:
    with pytest.raises(HTTPError, match="500") as raised:
        urlopen(f"{app.url}/fails", timeout=10)
    with raised.value:
        assert raised.value.read() == b""
    assert "ValueError: hidden" in app.log.read_text()


def test_a_message_that_is_taken_is_deleted(app: FunctionApp, queue: QueueClient) -> None:
    queue.send_message("good")
    assert (app.poll("worked"), app.poll("worked")) == ("done", "empty")


def test_a_message_for_which_a_function_raises_comes_again_and_then_is_poison(
    app: FunctionApp, queue: QueueClient, server: Azurite
) -> None:
    with QueueClient.from_queue_url(f"{server.queue_url}/work-poison", credential=server.key) as poison:
        poison.create_queue()
        queue.send_message("bad")
        assert [app.poll("worked") for _ in range(3)] == ["again", "poison", "empty"]
        assert [message.content for message in poison.receive_messages()] == ["bad"]


def test_a_timer_can_be_started(app: FunctionApp) -> None:
    app.tick("ticked")
    assert "ticked False" in app.log.read_text()
