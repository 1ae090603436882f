"""Functions as AWS runs them: Amazon's runtime client, events of function URLs and queues, and what ends a process."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, active_count
from typing import Any
from zipfile import ZipFile

import pytest

from tests.servers.dev import wait_for
from tests.servers.lambda_events import sqs_event, url_event
from tests.servers.lambda_sources import Poller, front
from tests.servers.lambdas import Crashed, Function, FunctionError, InitFailed, TimedOut, running
from tests.servers.moto import Moto, moto

pytestmark = pytest.mark.integration

ECHO = "def handler(event, context):\n    return event\n"
HANDLERS = '''
import os, sys, time
from pathlib import Path

started = time.time()


def handler(event, context):
    return globals()[event["do"]](event, context)


def says(event, context):
    print(event["text"])
    print(event["text"], file=sys.stderr)


def raises(event, context):
    raise ValueError("no such thing")


def sleeps(event, context):
    print("asleep", flush=True)
    time.sleep(60)


def leaves(event, context):
    os._exit(3)


def leaves_soon(event, context):
    import threading
    threading.Timer(event["seconds"], os._exit, [0]).start()


def of_a_size(event, context):
    return "x" * event["size"]


def numbered(event, context):
    """How often this has been asked: of this process, and of what it finds in its folder for files."""
    place = Path(os.environ["TMPDIR"], "count")
    place.write_text(str(int(place.read_text()) + 1 if place.exists() else 1))
    return [os.getpid(), int(place.read_text())]


def tells(event, context):
    return {
        "environ": dict(os.environ),
        "path": sys.path,
        "cwd": os.getcwd(),
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "left": context.get_remaining_time_in_millis(),
    }
'''


def a_folder(place: Path, source: str = HANDLERS) -> Path:
    place.mkdir(exist_ok=True)
    (place / "main.py").write_text(source)
    return place


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Function]:
    (tmp_path / "tmp").mkdir()
    environ = {"TMPDIR": str(tmp_path / "tmp"), "GREETING": "hello"}
    with running(a_folder(tmp_path / "task"), environ=environ, timeout=20, name="evaluate") as function:
        yield function


# What a handler is given, and finds


def test_a_result_is_what_the_handler_returns_for_the_event(tmp_path: Path) -> None:
    event = {"text": "ü\u2028\U0001f6a9", "list": [1, 1.5, None, True], "large": "x" * 5_000_000}
    with running(a_folder(tmp_path / "task", ECHO)) as function:
        assert function.invoke(event) == event
        assert function.invoke([]) == []


def test_a_zip_is_run_as_its_folder_would_be(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "function.zip", "w") as zipped:
        zipped.writestr("entry.py", "from inside.it import handler\n")
        zipped.writestr("inside/it.py", ECHO)
    with running(tmp_path / "function.zip", "entry.handler") as function:
        assert function.invoke("x") == "x"


def test_the_context_names_the_request_the_function_and_the_time_that_is_left(function: Function) -> None:
    first, second = (function.invoke({"do": "tells"}) for _ in range(2))
    assert first["id"] != second["id"]
    assert first["arn"] == "arn:aws:lambda:eu-central-1:123456789012:function:evaluate"
    assert first["name"] == "evaluate"
    assert 15_000 < first["left"] <= 20_000


def test_only_the_given_variables_are_set_and_those_of_lambda(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BURGEE_TOKENS", "of the developer")
    environ = function.invoke({"do": "tells"})["environ"]
    assert environ["GREETING"] == "hello"
    assert environ["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    expected = ("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN", "GREETING", "LANG", "LC_CTYPE", "PATH", "PYTHONPATH", "T")
    assert [name for name in environ if not name.startswith(expected)] == []


def test_what_the_package_lacks_is_missing_though_it_is_installed_here(tmp_path: Path) -> None:
    for package in ("boto3", "burgee"):
        source = f"import {package}\n{ECHO}"
        with running(a_folder(tmp_path / "task", source)) as function, pytest.raises(InitFailed) as raised:
            function.invoke({})
        assert raised.value.type == "Runtime.ImportModuleError"
        assert f"No module named '{package}'" in raised.value.message


def test_the_folder_of_the_package_is_where_it_runs_and_looks_for_modules(function: Function, tmp_path: Path) -> None:
    told = function.invoke({"do": "tells"})
    assert told["cwd"] == told["environ"]["LAMBDA_TASK_ROOT"] == str(tmp_path / "task")
    assert str(tmp_path / "task") in told["path"]
    assert not [path for path in told["path"] if path.endswith("site-packages")]
    assert [path.name for path in (tmp_path / "task").iterdir()] == ["main.py"]


def test_newer_runtimes_which_poll_in_a_thread_are_run_too(tmp_path: Path) -> None:
    environ = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
    with running(a_folder(tmp_path / "task"), environ=environ, timeout=20) as function:
        assert [function.invoke({"do": "tells"})["name"] for _ in range(3)] == ["function"] * 3
        with pytest.raises(Crashed):
            function.invoke({"do": "leaves"})
        assert function.invoke({"do": "tells"})["name"] == "function"


def test_what_it_writes_is_in_its_log(function: Function) -> None:
    function.invoke({"do": "says", "text": "grüße"})
    assert function.log().count("grüße") == 2


# What goes wrong


def test_an_exception_is_an_error_of_its_name_and_the_next_event_is_answered(function: Function) -> None:
    with pytest.raises(FunctionError, match="no such thing") as raised:
        function.invoke({"do": "raises"})
    assert (raised.value.type, type(raised.value)) == ("ValueError", FunctionError)
    assert "in raises" in raised.value.trace[-1]
    assert "no such thing" in function.log()
    assert function.invoke({"do": "says", "text": "still here"}) is None


@pytest.mark.parametrize(
    ("source", "type_", "text"),
    [
        pytest.param("raise RuntimeError('no tokens')", "RuntimeError", "no tokens", id="an exception"),
        pytest.param("def handler(", "Runtime.UserCodeSyntaxError", "main.py", id="a syntax error"),
        pytest.param("x = 1", "Runtime.HandlerNotFound", "handler", id="no handler"),
        pytest.param("import os; os._exit(4)", "Runtime.ExitError", "exit status 4", id="its end"),
    ],
)
def test_what_goes_wrong_while_it_begins_fails_every_invocation(
    tmp_path: Path, source: str, type_: str, text: str
) -> None:
    with running(a_folder(tmp_path / "task", source)) as function:
        for _ in range(2):
            with pytest.raises(InitFailed, match=text) as raised:
                function.invoke({})
            assert raised.value.type == type_


def test_a_result_that_is_too_large_is_an_error(function: Function) -> None:
    assert len(function.invoke({"do": "of_a_size", "size": 6_000_000})) == 6_000_000
    with pytest.raises(FunctionError, match="payload size") as raised:
        function.invoke({"do": "of_a_size", "size": 6_300_000})
    assert raised.value.type == "Function.ResponseSizeTooLarge"


def test_a_process_that_takes_too_long_is_killed_and_another_answers(tmp_path: Path) -> None:
    with running(a_folder(tmp_path / "task"), environ={"TMPDIR": str(tmp_path)}, timeout=0.3) as function:
        first, _ = function.invoke({"do": "numbered"})
        with pytest.raises(TimedOut, match=r"timed out after 0\.30 seconds"):
            function.invoke({"do": "sleeps"})
        assert not is_running(first)
        second, count = function.invoke({"do": "numbered"})
        assert (first != second, count) == (True, 2)


def test_a_process_that_is_killed_crashes_its_invocation_and_the_next_finds_what_it_left(function: Function) -> None:
    first, _ = function.invoke({"do": "numbered"})
    raised: list[FunctionError] = []
    asking = Thread(target=failing, args=(function, raised))
    asking.start()
    assert wait_for(lambda: "asleep" in function.log())
    function.kill()
    asking.join(10)
    assert (type(raised[0]), raised[0].type) == (Crashed, "Runtime.ExitError")
    assert "signal: 9" in raised[0].message
    second, count = function.invoke({"do": "numbered"})
    assert (first != second, count) == (True, 2)


def test_a_process_that_ends_itself_crashes_its_invocation(function: Function) -> None:
    with pytest.raises(Crashed, match="exit status 3"):
        function.invoke({"do": "leaves"})


def test_a_process_that_ends_between_invocations_is_replaced_without_an_error(function: Function) -> None:
    first, _ = function.invoke({"do": "numbered"})
    function.invoke({"do": "leaves_soon", "seconds": 0.2})
    assert wait_for(lambda: not is_running(first))
    assert function.invoke({"do": "numbered"})[1] == 2


def test_a_process_that_is_killed_between_invocations_is_replaced(function: Function) -> None:
    function.invoke({"do": "numbered"})
    function.kill()
    assert function.invoke({"do": "numbered"})[1] == 2
    assert function.restart() > 0
    assert function.invoke({"do": "numbered"})[1] == 3


def test_invocations_wait_for_one_another(function: Function) -> None:
    answers: list[Any] = []
    asking = [Thread(target=lambda: answers.append(function.invoke({"do": "numbered"}))) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(20)
    assert sorted(count for _, count in answers) == list(range(1, 9))
    assert len({process for process, _ in answers}) == 1


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    threads = active_count()
    with running(a_folder(tmp_path / "task"), environ={"TMPDIR": str(tmp_path)}) as function:
        process, _ = function.invoke({"do": "numbered"})
        assert is_running(process)
    assert not is_running(process)
    assert active_count() <= threads


# Function URLs


def test_a_request_is_an_event_as_aws_makes_it() -> None:
    headers = [("Content-Type", "application/json"), ("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2")]
    event = url_event("POST", "/a%2Fb", headers, '{"ü":1}'.encode(), "x=%20&y=1&y=2", at=1_584_039_838.5)
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%2Fb", "x=%20&y=1&y=2")
    assert event["queryStringParameters"] == {"x": " ", "y": "1,2"}
    assert event["headers"]["x-a"] == "1,2" and "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"ü":1}', False)
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["time"] == "12/Mar/2020:19:03:58 +0000"
    assert event["requestContext"]["timeEpoch"] == 1_584_039_838_500


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/octet-stream"}, b"text"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"payload=1"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"{}"),
        ({"content-type": "application/json"}, b"\xff"),
        ({}, b"{}"),
    ],
)
def test_a_body_that_is_not_known_to_be_text_is_base64(headers: dict[str, str], body: bytes) -> None:
    event = url_event("POST", "/", headers, body)
    assert (event["isBase64Encoded"], b64decode(event["body"])) == (True, body)


def test_without_body_cookies_or_query_their_fields_are_absent() -> None:
    assert {"body", "cookies", "queryStringParameters"}.isdisjoint(url_event("GET", "/"))


def test_http_clients_can_ask_a_function_by_its_url(tmp_path: Path) -> None:
    source = """
def handler(event, context):
    if event["rawPath"] == "/fails":
        raise ValueError("hidden")
    if event["rawPath"] == "/plain":
        return {"a": 1}
    headers = {"content-type": "text/plain", "x-seen": event["headers"]["x-mine"]}
    content = {"body": event["body"], "isBase64Encoded": event["isBase64Encoded"]}
    return {"statusCode": 418, "headers": headers, "cookies": ["a=1", "b=2"], **content}
"""
    with running(a_folder(tmp_path / "task", source)) as function, front(function) as url:
        status, headers, content = asked(f"{url}x%20y?q", b"\x00\xff", {"X-Mine": "yes"})
        assert (status, headers["x-seen"], content) == (418, "yes", b"\x00\xff")
        assert headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert asked(f"{url}plain")[::2] == (200, b'{"a": 1}')
        assert asked(f"{url}fails")[::2] == (502, b"Internal Server Error")
        assert asked(f"{url}x", b"x" * 6_300_000)[0] == 413


# Queues


@pytest.fixture(scope="module")
def aws() -> Iterator[Moto]:
    with moto() as server:
        yield server


@pytest.fixture
def queue(aws: Moto) -> str:
    aws.reset()
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "600"}
    made = aws.client("sqs").create_queue(QueueName="work.fifo", Attributes=attributes)
    return str(made["QueueUrl"])


def send(aws: Moto, queue: str, *bodies: str) -> None:
    for body in bodies:
        aws.client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=body,
            MessageGroupId="group",
            MessageDeduplicationId=f"id-{body}",
            MessageAttributes={"kind": {"DataType": "Binary", "BinaryValue": b"\x00"}},
        )


def test_messages_are_an_event_as_aws_makes_it(aws: Moto, queue: str) -> None:
    send(aws, queue, "one")
    asked_for = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    messages = aws.client("sqs").receive_message(QueueUrl=queue, **asked_for)["Messages"]
    (record,) = sqs_event(messages, "arn:aws:sqs:eu-central-1:123456789012:work.fifo")["Records"]
    assert (record["body"], record["eventSource"], record["awsRegion"]) == ("one", "aws:sqs", "eu-central-1")
    assert record["md5OfBody"] == "f97c5d29941bfb1b2fdab0874906ab82"
    assert record["attributes"].keys() >= {"SentTimestamp", "SequenceNumber", "ApproximateFirstReceiveTimestamp"}
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "group"
    assert record["attributes"]["MessageDeduplicationId"] == "id-one"
    assert record["messageAttributes"]["kind"]["binaryValue"] == b64encode(b"\x00").decode()
    assert json.dumps(record)


FAILING = """
def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    print(*bodies)
    if "crash" in bodies:
        raise ValueError
    failed = [record["messageId"] for record in event["Records"] if record["body"].startswith("bad")]
    if "odd" in bodies:
        return {"batchItemFailures": [{"itemIdentifier": "nobody's"}]}
    return {"batchItemFailures": [{"itemIdentifier": failure} for failure in failed]} if failed else None
"""


@pytest.fixture
def poller(aws: Moto, queue: str, tmp_path: Path) -> Iterator[Poller]:
    with running(a_folder(tmp_path / "task", FAILING)) as function:
        yield Poller(aws.client("sqs"), queue, function, batch_size=3)


def bodies(messages: tuple[dict[str, Any], ...]) -> list[str]:
    return [message["Body"] for message in messages]


def test_a_poller_deletes_what_succeeded_and_leaves_what_was_reported(aws: Moto, queue: str, poller: Poller) -> None:
    send(aws, queue, "good", "bad", "fine", "later")
    polled = poller.run_once()
    assert (bodies(polled.deleted), bodies(polled.returned)) == (["good", "fine"], ["bad"])
    poller.bring_back(polled)
    again = poller.run_once()
    assert (bodies(again.deleted), bodies(again.returned)) == (["later"], ["bad"])
    assert again.returned[0]["Attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("body", ["crash", "odd"])
def test_a_poller_deletes_nothing_after_an_error_or_a_report_that_names_others(
    aws: Moto, queue: str, poller: Poller, body: str
) -> None:
    send(aws, queue, "good", body)
    polled = poller.run_once()
    assert (bodies(polled.deleted), bodies(polled.returned)) == ([], ["good", body])
    assert (polled.error is not None) == (body == "crash")


def test_an_empty_queue_invokes_nothing(poller: Poller) -> None:
    assert poller.run_once().received == 0


# Helpers


def failing(function: Function, raised: list[FunctionError]) -> None:
    """Invoke what sleeps, and note how that ended."""
    try:
        function.invoke({"do": "sleeps"})
    except FunctionError as error:
        raised.append(error)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def asked(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    """Status, headers and content of an answer, whatever its status is."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
