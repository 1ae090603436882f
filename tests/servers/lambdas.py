"""Functions on AWS Lambda: Amazon's runtime client in a process of its own, with what a deployment package brings.

Law: the process finds the package, the standard library and the client, and nothing else of this machine: what a
package lacks is missing here too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from queue import Empty
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

from .runtime_api import Event, Kind, RuntimeApi, Said

REGION = "eu-central-1"
ACCOUNT = "123456789012"
_CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
_INIT_SECONDS = 10.0
_SECONDS = 10.0
_MEMORY_MB = 512
_LARGEST_ANSWER = 6 * 1024 * 1024 + 100


class FunctionError(Exception):
    """An invocation that failed, with Amazon's name of the kind of error or the exception's, and its trace."""

    def __init__(self, type: str, message: str, trace: tuple[str, ...] = ()) -> None:  # noqa: A002
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message
        self.trace = trace


class InitFailed(FunctionError):
    """The function did not come to wait for an event."""


class Crashed(FunctionError):
    """The process ended during the invocation."""


class TimedOut(FunctionError):
    """The invocation took longer than the function's timeout; its process was killed."""


class Function:
    """One execution environment of a function: a process that the next invocation starts anew when it has ended.

    Invocations wait for one another. Folders, log and variables outlast the process, as on AWS a process that ends
    finds its `/tmp` again.
    """

    def __init__(self, folder: Path, handler: str, environ: Mapping[str, str], timeout: float, name: str) -> None:
        self._folder = folder
        self._handler = handler
        self._environ = dict(environ)
        self._timeout = timeout
        self._arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        self._turn = Lock()
        self._sandbox: _Sandbox | None = None
        self._temporary = TemporaryDirectory(prefix="lambda-")
        self._log = Path(self._temporary.name, "log")
        self._log.touch()
        self._client = _client_alone(Path(self._temporary.name, "runtime"))

    def invoke(self, event: Any) -> Any:
        """What the handler returns for an event. Raises FunctionError."""
        content = json.dumps(event).encode()
        with self._turn:
            sandbox = self._ready()
            try:
                return self._result(sandbox, content)
            except (Crashed, TimedOut):
                self._end()
                raise

    def restart(self) -> float:
        """End the process and start another; milliseconds until that one asked for its first event.

        Raises InitFailed.
        """
        with self._turn:
            self._end()
            sandbox = self._begin()
            self._await_first(sandbox)
            return (sandbox.asked_at - sandbox.started_at) * 1000

    def kill(self) -> None:
        """End the process at once, whatever it is doing: what is being invoked raises Crashed."""
        if sandbox := self._sandbox:
            sandbox.kill()

    def stop(self) -> None:
        """End the process when it is not answering; the next invocation starts another."""
        with self._turn:
            self._end()

    def log(self) -> str:
        """What all its processes have written."""
        return self._log.read_text(encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        """End the process, and remove what was made for it."""
        self.stop()
        self._temporary.cleanup()

    def _ready(self) -> _Sandbox:
        """The process, waiting for an event: another one when the last has ended meanwhile."""
        sandbox = self._sandbox
        if sandbox is None or not sandbox.asks_again():
            self._end()
            sandbox = self._begin()
            self._await_first(sandbox)
        return sandbox

    def _await_first(self, sandbox: _Sandbox) -> None:
        try:
            sandbox.await_first()
        except InitFailed:
            self._end()
            raise

    def _result(self, sandbox: _Sandbox, content: bytes) -> Any:
        request_id = str(uuid4())
        deadline_ms = int((time.time() + self._timeout) * 1000)
        sandbox.api.hand_over(Event(request_id, content, deadline_ms, self._arn))
        said = sandbox.next_said(self._timeout)
        if said is None:
            raise TimedOut("Sandbox.Timedout", f"RequestId: {request_id} Error: {self._took_too_long()}")
        if said.kind is Kind.EXITED:
            message = f"RequestId: {request_id} Error: Runtime exited with error: {sandbox.exit_status()}"
            raise Crashed("Runtime.ExitError", message)
        sandbox.is_busy = True
        if said.kind is Kind.FAILED:
            raise FunctionError(*_error(said))
        if len(said.content) > _LARGEST_ANSWER:
            message = f"Response payload size exceeded maximum allowed payload size ({_LARGEST_ANSWER} bytes)."
            raise FunctionError("Function.ResponseSizeTooLarge", message)
        return json.loads(said.content)

    def _took_too_long(self) -> str:
        return f"Task timed out after {self._timeout:.2f} seconds"

    def _begin(self) -> _Sandbox:
        api = RuntimeApi()
        environ = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(self._folder),
            "PYTHONPATH": str(self._client),
            "_HANDLER": self._handler,
            **self._environ,
        }
        # Without `site` there are no installed packages; /var/task is read-only, so no bytecode is kept in it (-B).
        command = [sys.executable, "-S", "-B", "-m", "awslambdaric", self._handler]
        with self._log.open("ab") as log:
            started_at = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=self._folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._sandbox = sandbox = _Sandbox(process, api, started_at)
        return sandbox

    def _end(self) -> None:
        if self._sandbox:
            self._sandbox.end()
            self._sandbox = None


class _Sandbox:
    """A process, the Runtime API it talks to, and a thread that notes its end."""

    def __init__(self, process: subprocess.Popen[bytes], api: RuntimeApi, started_at: float) -> None:
        self.api = api
        self.started_at = started_at
        self.asked_at = 0.0
        # Whether it has yet to ask for another event.
        self.is_busy = False
        self._process = process
        self._watcher = Thread(target=self._watch, name="watcher of a function")
        self._watcher.start()

    def await_first(self) -> None:
        """Return once the process waits for its first event. Raises InitFailed."""
        said = self.next_said(_INIT_SECONDS)
        if said is None:
            raise InitFailed("Sandbox.Timedout", f"Init timed out after {_INIT_SECONDS:.2f} seconds")
        if said.kind is Kind.FAILED_INIT:
            raise InitFailed(*_error(said))
        if said.kind is Kind.EXITED:
            raise InitFailed("Runtime.ExitError", f"Runtime exited during init: {self.exit_status()}")
        self.asked_at = said.at

    def asks_again(self) -> bool:
        """Whether the process waits for another event, once it has; not when it has ended instead."""
        if self._process.poll() is not None:
            return False
        if self.is_busy:
            said = self.next_said(_SECONDS)
            assert said is not None, f"a result, and no further question within {_SECONDS:g} s"
            self.is_busy = said.kind is not Kind.ASKED
        return not self.is_busy

    def next_said(self, seconds: float) -> Said | None:
        """What the process does next, None when that is nothing for so long."""
        try:
            return self.api.said.get(timeout=seconds)
        except Empty:
            return None

    def exit_status(self) -> str:
        """How the process ended, in Amazon's words."""
        code = self._process.wait(_SECONDS)
        return f"exit status {code}" if code >= 0 else f"signal: {-code}"

    def kill(self) -> None:
        self._process.kill()
        self._watcher.join(_SECONDS)

    def end(self) -> None:
        self.kill()
        self.api.stop()

    def _watch(self) -> None:
        self._process.wait()
        self.api.said.put(Said(Kind.EXITED))


@contextmanager
def running(
    package: Path,
    handler: str = "main.handler",
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    name: str = "function",
) -> Iterator[Function]:
    """The function of a zip or of a folder as a zip would unpack to it; its process starts with the first invocation.

    It sees the variables of `environ` and those that Lambda sets, which `environ` may say otherwise.
    """
    with TemporaryDirectory(prefix="task-") as task:
        folder = package
        if package.is_file():
            folder = Path(task)
            with ZipFile(package) as zipped:
                zipped.extractall(folder)
        function = Function(folder.resolve(), handler, {**_set_by_lambda(name), **(environ or {})}, timeout, name)
        try:
            yield function
        finally:
            function.close()


def _set_by_lambda(name: str) -> dict[str, str]:
    return {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(_MEMORY_MB),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_REGION": REGION,
        "LANG": "en_US.UTF-8",
        "PATH": os.environ["PATH"],
        "TZ": ":UTC",
    }


def _client_alone(folder: Path) -> Path:
    """A folder with the runtime client and what it needs, without the other packages that are installed beside it."""
    folder.mkdir()
    for name in _CLIENT:
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is not installed"
        origin = Path(spec.origin)
        place = origin.parent if spec.submodule_search_locations else origin
        (folder / place.name).symlink_to(place)
    return folder


def _error(said: Said) -> tuple[str, str, tuple[str, ...]]:
    error = json.loads(said.content)
    return error["errorType"], error["errorMessage"], tuple(error["stackTrace"])
