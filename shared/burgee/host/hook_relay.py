"""What Git runs as pre-receive and post-receive hook: it asks the host and prints the host's lines as they come.

Run as `python -I -S hook_relay.py pre-receive`: standard library only, and few modules of it, since every push waits
for its start. The question is lines: `repository NAME`, `objects FOLDER`..., `option TEXT`..., `update OLD NEW REF`...
In the answer `| TEXT` is a line to show, `= accepted` or `= rejected` the verdict and the end. An answer without a
verdict rejects.
"""

from __future__ import annotations

import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 900


def main(hook: str, environ: Mapping[str, str], updates: bytes, show: Callable[[bytes], None]) -> int:
    """The exit status of the hook: 0 accepts."""
    url, secret = environ.get("BURGEE_HOOK_URL", ""), environ.get("BURGEE_HOOK_SECRET", "")
    if not url or not secret:
        show(b"burgee: this repository belongs to a burgee host; push to its URL while `burgee dev` is running")
        return 1
    question = _question(environ, updates)
    try:
        verdict = _ask(url, hook, secret, question, show)
    except (OSError, ValueError) as error:
        show(b"burgee: the host did not answer (%s); is `burgee dev` still running?" % str(error).encode())
        return 1
    if verdict is None:
        show(b"burgee: the host broke off before its verdict; push again")
        return 1
    return 0 if verdict == b"accepted" else 1


def _question(environ: Mapping[str, str], updates: bytes) -> bytes:
    lines = [b"repository " + os.fsencode(environ.get("BURGEE_HOOK_REPOSITORY", ""))]
    # pathlib would cost a third of the time this script takes.
    lines += [b"objects " + os.path.abspath(folder) for folder in _object_directories(environ)]  # noqa: PTH100
    lines += [b"option " + option for option in _push_options(environ)]
    lines += [b"update " + update for update in updates.splitlines()]
    return b"".join(line + b"\n" for line in lines)


def _push_options(environ: Mapping[str, str]) -> list[bytes]:
    """What `git push -o` said (git-receive-pack); Git allows no line breaks in it."""
    count = environ.get("GIT_PUSH_OPTION_COUNT", "")
    names = [f"GIT_PUSH_OPTION_{number}" for number in range(int(count) if count.isdecimal() else 0)]
    return [os.fsencode(environ.get(name, "")) for name in names]


def _object_directories(environ: Mapping[str, str]) -> list[bytes]:
    """Where the objects of the push are until it is accepted (git-receive-pack, quarantine environment)."""
    own = os.fsencode(environ.get("GIT_OBJECT_DIRECTORY", ""))
    others = os.fsencode(environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", ""))
    return [folder for folder in (own, *others.split(b":")) if folder]


def _ask(url: str, hook: str, secret: str, question: bytes, show: Callable[[bytes], None]) -> bytes | None:
    host, port, path = _parts(url)
    with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
        connection.settimeout(_SILENCE_SECONDS)
        head = "POST %s/%s HTTP/1.0\r\nHost: %s:%d\r\nBurgee-Hook-Secret: %s\r\nContent-Length: %d\r\n\r\n"
        connection.sendall((head % (path, hook, host, port, secret, len(question))).encode() + question)
        with connection.makefile("rb") as answer:
            status = answer.readline().split()
            while answer.readline().strip():
                pass
            if len(status) < 2 or status[1] != b"200":
                raise ValueError("status %s" % (status[1].decode() if len(status) > 1 else "unknown"))
            return _verdict(answer, show)


def _verdict(answer: BinaryIO, show: Callable[[bytes], None]) -> bytes | None:
    for line in answer:
        kind, _, text = line.rstrip(b"\n").partition(b" ")
        if kind == b"=":
            return text
        show(text)
    return None


def _parts(url: str) -> tuple[str, int, str]:
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port), "/" + path


def _show(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ, sys.stdin.buffer.read(), _show))
