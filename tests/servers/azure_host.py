"""The host of Azure Functions, so far as functions see it: a program that runs one function app on loopback.

Microsoft's own cannot be had here. The app is a real `FunctionApp`; what it is called with, and what becomes of its
answers, go through the converters of azure-functions, as in the worker. Routes, settings in `%...%`, connections,
host.json's queues and the poison queue are after "host.json reference" and "Azure Queue storage trigger". Nothing
happens by itself: `POST /-/poll/<function>` takes a message, `POST /admin/functions/<function>` starts a timer.

Run as `python azure_host.py FOLDER`; the first line that it prints is its port.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter
from azure.functions.timer import TimerRequestConverter

_SETTING = "AzureFunctionsJobHost__extensions__queues__maxDequeueCount"
_HELD_SECONDS = 600
_NOBODYS = ("PopReceiptMismatch", "MessageNotFound")
_LOGGER = logging.getLogger("host")


class Host:
    """One function app: what its functions are bound to, and what calls them."""

    def __init__(self, app: func.FunctionApp, options: dict[str, Any]) -> None:
        self.options = options
        self.functions: dict[str, Any] = {str(each.get_function_name()): each for each in app.get_functions()}

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        """What the function that is bound to HTTP answers."""
        function = self._of_kind("httpTrigger")[0]
        prefix = self.options.get("extensions", {}).get("http", {}).get("routePrefix", "api")
        route = next(binding.route for binding in function.get_bindings() if binding.type == "httpTrigger")
        assert (route, prefix) == ("{*route}", ""), "routes of other kinds are not known here"
        path, _, query = target.partition("?")
        asked = {
            "method": Datum(method, "string"),
            "url": Datum(f"http://{headers.get('host', 'localhost')}{target}", "string"),
            "headers": {name: Datum(value, "string") for name, value in headers.items()},
            "query": {name: Datum(value, "string") for name, value in parse_qsl(query, keep_blank_values=True)},
            "params": {"route": Datum(path.removeprefix("/"), "string")},
            "body": Datum(body, "bytes"),
        }
        try:
            result = self._call(function, HttpRequestConverter.decode(Datum(asked, "http"), trigger_metadata={}))
            said = HttpResponseConverter.encode(result, expected_type=None).value
        except Exception:
            _LOGGER.exception("the function failed")
            return 500, {}, b""
        sent = {name: datum.value for name, datum in said["headers"].items()}
        return int(said["status_code"].value), sent, said["body"].value

    def tick(self, name: str) -> None:
        """Start a function that is bound to a timer, whose schedule must be set."""
        function = self.functions[name]
        schedule = function.get_trigger().schedule
        assert len(_setting(schedule).split()) == 6, f"no NCRONTAB expression: {schedule}"
        told = Datum(json.dumps({"IsPastDue": False, "ScheduleStatus": {}, "Schedule": {}}), "json")
        self._call(function, TimerRequestConverter.decode(told, trigger_metadata={}))

    def poll(self, name: str) -> str:
        """Take a message for a function that is bound to a queue; what became of it."""
        from azure.core.exceptions import HttpResponseError

        function, queues = self.functions[name], self.options["extensions"]["queues"]
        assert queues["messageEncoding"] == "none", "messages are taken as they are"
        trigger = function.get_trigger()
        queue = _client(trigger.connection, _setting(trigger.queue_name))
        message = queue.receive_message(visibility_timeout=_HELD_SECONDS)
        if message is None:
            return "empty"
        try:
            self._call(function, _queue_message(message))
        except Exception:
            _LOGGER.exception("the function failed")
            outcome = self._failed(queue, message, trigger.connection)
        else:
            outcome = "done"
        try:
            if outcome == "again":
                hours, minutes, seconds = map(int, queues["visibilityTimeout"].split(":"))
                queue.update_message(message, visibility_timeout=(hours * 60 + minutes) * 60 + seconds)
            else:
                queue.delete_message(message)
        except HttpResponseError as error:
            # The function has given it another time to come back, and with that another receipt.
            if error.error_code not in _NOBODYS:  # type: ignore[attr-defined]
                raise
        return outcome

    def _failed(self, queue: Any, message: Any, connection: str) -> str:
        most = int(os.environ.get(_SETTING) or self.options["extensions"]["queues"]["maxDequeueCount"])
        if message.dequeue_count < most:
            return "again"
        _client(connection, f"{queue.queue_name}-poison").send_message(message.content)
        return "poison"

    def _of_kind(self, kind: str) -> list[Any]:
        return [function for function in self.functions.values() if function.get_trigger().type == kind]

    def _call(self, function: Any, given: Any) -> Any:
        return function.get_user_function()(**{function.get_trigger().name: given})


def _setting(text: str) -> str:
    """A binding's text, with the setting that it names as %NAME%."""
    return os.environ[text.strip("%")] if text.startswith("%") else text


def _client(connection: str, queue: str) -> Any:
    from azure.storage.queue import QueueClient

    return QueueClient.from_connection_string(os.environ[connection], queue)


def _queue_message(message: Any) -> Any:
    """What the worker makes of a message; what is known beside its content comes as JSON."""
    known = {
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        "DequeueCount": message.dequeue_count,
        "InsertionTime": message.inserted_on.isoformat(),
        "ExpirationTime": message.expires_on.isoformat(),
        "NextVisibleTime": message.next_visible_on.isoformat(),
    }
    metadata = {name: Datum(json.dumps(value), "json") for name, value in known.items()}
    return QueueMessageInConverter.decode(Datum(message.content, "string"), trigger_metadata=metadata)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, host: Host, *arguments: Any) -> None:
        self._host = host
        super().__init__(*arguments)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match self.path.split("/"):
            case ["", "-", "poll", name]:
                self._answer(200, {}, self._host.poll(name).encode())
            case ["", "admin", "functions", name]:
                self._host.tick(name)
                self._answer(202, {}, b"")
            case _:
                headers: dict[str, str] = {}
                for key, value in self.headers.items():
                    key = key.lower()
                    headers[key] = f"{headers[key]},{value}" if key in headers else value
                self._answer(*self._host.answer(self.command, self.path, headers, body))

    do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - as the base class wants

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main(folder: Path) -> None:
    """Run the function app in a folder until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    sys.path.insert(0, str(folder))
    from function_app import app  # type: ignore[import-not-found]

    host = Host(app, json.loads((folder / "host.json").read_text()))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, host)) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
