"""Calls of a Git host's API: JSON both ways, bounded in time and size, and faults that say what to do.

Law: the token goes to the origin of the API alone, and neither it nor the secret of a hook into a message or repr.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from ..core.errors import BurgeeError, Denied, InvalidRequest, NotFound, TooLarge, Unavailable
from .address import Credentials
from .http import broken_by, open_pool
from .names import line_text

SECONDS = 10.0
LARGEST_ANSWER = 4 * 1024 * 1024
_CHUNK = 64 * 1024
_SHORT_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_REDIRECTS = 3
_SAID = 200
_SECRETS = ("secret", "token", "signing_token")
# Users that stand for "the password is a token"; whoever else is named logs in as that user.
_TOKEN_USERS = ("", "x-access-token", "x-token-auth", "oauth2")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.content) if self.content else None
        except (ValueError, RecursionError):
            return None


class Api:
    """The API at a base URL, as one token sees it. `kind` is that of its host."""

    def __init__(
        self,
        base: str,
        kind: str,
        credentials: Credentials,
        *,
        environ: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sleep` and `clock` are in seconds."""
        self.base = base
        self._token = credentials.password
        self._headers = {
            "Authorization": _authorization(kind, credentials),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "burgee",
        }
        self._pool = open_pool(base, environ, silence=SECONDS, redirects=0)
        self._sleep = sleep
        self._clock = clock

    def __repr__(self) -> str:
        return f"Api({self.base!r})"

    def close(self) -> None:
        self._pool.clear()

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, needs: str, repeatable: bool = True
    ) -> Any:
        """The JSON of the answer to a request. `needs` is the right that the token must have for it.

        A fault of the server or its wish for a pause is answered with one more try, if that is within SECONDS; unless
        it is `repeatable`, a request is tried again only where the server has not begun with it.
        """
        deadline = self._clock() + SECONDS
        answer = self._send(method, path, body, deadline)
        pause = _pause_before_another(answer, repeatable=repeatable)
        if pause is not None and pause <= min(_LONGEST_PAUSE, deadline - self._clock()):
            self._sleep(pause)
            answer = self._send(method, path, body, deadline)
        if 200 <= answer.status < 300:
            return answer.json()
        said = _said(answer, hidden=(self._token, *_secrets_in(body or {})))
        raise _fault(answer, f"{method} {self.base}{path}", needs, said)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: float) -> _Answer:
        url = self.base + path
        content = None if body is None else json.dumps(body).encode()
        for _ in range(_REDIRECTS):
            answer = self._ask(method, url, content, deadline)
            target = _target(url, answer.headers.get("location", ""))
            if answer.status not in (301, 302, 307, 308) or target == url:
                return answer
            if _origin(target) != _origin(self.base):
                host = urlsplit(target).hostname or "nowhere"
                raise Unavailable(f"{self.base} redirects to {host}, where the token is not sent; name the API there")
            url = target
        raise Unavailable(f"{self.base} redirects too often; check the URL of the repository")

    def _ask(self, method: str, url: str, content: bytes | None, deadline: float) -> _Answer:
        try:
            response = self._pool.request(
                method,
                url,
                body=content,
                headers=self._headers,
                timeout=max(deadline - self._clock(), _SHORT_PAUSE),
                redirect=False,
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{self.base} cannot be reached: {'; '.join(broken_by(error))}") from None
        try:
            parts = list(self._read(response, deadline))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{self.base} broke its answer off: {'; '.join(broken_by(error))}") from None
        finally:
            response.close()
        return _Answer(
            response.status, {name.lower(): value for name, value in response.headers.items()}, b"".join(parts)
        )

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        size = 0
        while part := response.read1(_CHUNK, decode_content=False):
            yield part
            size += len(part)
            if size > LARGEST_ANSWER:
                raise TooLarge(
                    f"{self.base} answers with more than {LARGEST_ANSWER} bytes; is it the API of a Git host?"
                )
            if self._clock() > deadline:
                raise Unavailable(f"{self.base} did not end its answer within {SECONDS:.0f} seconds; try again")


def _authorization(kind: str, credentials: Credentials) -> str:
    if kind in ("gitea", "forgejo"):
        return f"token {credentials.password}"
    if kind == "bitbucket" and credentials.user not in _TOKEN_USERS:
        # A token of a person, which Bitbucket takes with their email alone.
        return f"Basic {b64encode(f'{credentials.user}:{credentials.password}'.encode()).decode()}"
    return f"Bearer {credentials.password}"


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        # No address at all: as if it led nowhere else.
        return url


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _pause_before_another(answer: _Answer, *, repeatable: bool) -> float | None:
    """Seconds until the same may be asked again; None when that would be of no use."""
    if not _asked_too_often(answer) and not (answer.status >= 500 and repeatable):
        return None
    after = answer.headers.get("retry-after", "")
    return float(after) if after.isascii() and after.isdecimal() and len(after) < 9 else _SHORT_PAUSE


def _asked_too_often(answer: _Answer) -> bool:
    """GitHub says so with 403, and most often without telling how long to wait."""
    headers = answer.headers
    is_used_up = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or (answer.status == 403 and (is_used_up or b"rate limit" in answer.content))


def _secrets_in(body: Mapping[str, Any]) -> Iterator[str]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _secrets_in(value)
        elif name in _SECRETS and isinstance(value, str):
            yield value


def _said(answer: _Answer, *, hidden: tuple[str, ...]) -> str:
    """What a host says about a fault, wherever it says it: one line, with stars for what is hidden."""
    found = answer.json()
    if isinstance(found, dict):
        main = found.get("message") or found.get("error_description") or found.get("error")
        found = [part for part in (main, found.get("errors")) if part]
        found = found[0] if len(found) == 1 else found
    text = found if isinstance(found, str) else json.dumps(found) if found else ""
    for secret in filter(None, hidden):
        # As it is, and as it stands in JSON.
        text = text.replace(secret, "***").replace(json.dumps(secret)[1:-1], "***")
    return line_text(text.encode("utf-8", "surrogateescape"))[:_SAID]


def _fault(answer: _Answer, asked: str, needs: str, said: str) -> BurgeeError:
    status = answer.status
    words = f", saying {said!r}" if said else ""
    if status == 401:
        return Denied(f"{asked} was refused with status 401{words}; check that the token is whole and has not expired")
    if _asked_too_often(answer):
        return Unavailable(f"{asked} is asked too often (status {status}); try again later")
    if status == 403:
        return Denied(f"{asked} was refused with status 403{words}; the token needs {needs}")
    if status in (404, 410):
        return NotFound(
            f"{asked} found nothing{words}; check the name of the repository, and that the token has {needs}, without "
            "which hosts say the same"
        )
    if status >= 500:
        return Unavailable(f"{asked} was answered with status {status}{words}; try again")
    return InvalidRequest(f"{asked} was refused with status {status}{words}")
