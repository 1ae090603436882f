"""HTTP to a Git server: bounded in time and size, proxied as the environment says, and faults told apart.

Law: a credential goes to the server it was given for and into no message, log or repr.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import urllib3
from dulwich.client import Urllib3HttpGitClient

from ..core.errors import Denied, NotFound, TooLarge, Unavailable
from .address import Credentials

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
FETCH_SECONDS = 600.0
LARGEST_PACK = 1024 * 1024 * 1024
_REDIRECTS = 5


class Pool:
    """The part of urllib3's pool that dulwich calls, with answers other than 200 turned into burgee's errors."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self.headers: Mapping[str, str] = {"User-Agent": "git/2 (burgee)"}
        self._url = url
        self._pool = open_pool(url, environ)

    def request(self, method: str, url: str, **options: Any) -> BaseHTTPResponse:
        try:
            response = self._pool.request(method, url, **options)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{self._url} cannot be reached: {'; '.join(broken_by(error))}") from None
        if response.status != 200:
            response.close()
            raise _fault(response.status, self._url, sent_credentials="authorization" in options.get("headers", {}))
        return response

    def clear(self) -> None:
        self._pool.clear()


def open_client(url: str, credentials: Credentials | None, pool: Pool) -> Urllib3HttpGitClient:
    """A dulwich client whose credentials go to the origin of `url` alone."""
    return Urllib3HttpGitClient(
        url,
        pool_manager=pool,  # type: ignore[arg-type]
        username=credentials.user if credentials else None,
        password=credentials.password if credentials else None,
        quiet=True,
    )


def open_pool(
    url: str, environ: Mapping[str, str], *, silence: float = SILENCE_SECONDS, redirects: int = _REDIRECTS
) -> urllib3.PoolManager:
    """Connections to the server of `url`, with the proxy and the authorities that `environ` names.

    `silence` is for how many seconds the server may say nothing. Nothing is tried a second time.
    """
    timeout = urllib3.Timeout(connect=min(silence, CONNECT_SECONDS), read=silence)
    retries = urllib3.Retry(total=redirects, connect=0, read=0, status=0, other=0, redirect=redirects)
    authorities = environ.get("GIT_SSL_CAINFO") or environ.get("SSL_CERT_FILE") or None
    proxy = _proxy(url, environ)
    if proxy is None:
        return urllib3.PoolManager(timeout=timeout, retries=retries, ca_certs=authorities)
    parts = urlsplit(proxy)
    login = f"{parts.username}:{parts.password or ''}" if parts.username else None
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, timeout=timeout, retries=retries, ca_certs=authorities)


def bounded(
    write: Callable[[bytes], int], url: str, *, clock: Callable[[], float] = time.monotonic
) -> Callable[[bytes], int]:
    """`write`, until a fetch has taken FETCH_SECONDS or brought LARGEST_PACK bytes.

    The function raises Unavailable and TooLarge then.
    """
    deadline = clock() + FETCH_SECONDS
    received = 0

    def write_bounded(content: bytes) -> int:
        nonlocal received
        received += len(content)
        if received > LARGEST_PACK:
            raise TooLarge(f"a fetch of {url} brings more than {LARGEST_PACK} bytes; keep the flags in a smaller one")
        if clock() > deadline:
            raise Unavailable(f"a fetch of {url} took more than {FETCH_SECONDS:.0f} seconds; try again")
        return write(content)

    return write_bounded


def _proxy(url: str, environ: Mapping[str, str]) -> str | None:
    parts = urlsplit(url)
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if proxy_bypass_environment(parts.netloc, {"no": exempt}):
        return None
    for name in (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        if environ.get(name) and name != "HTTP_PROXY":
            return environ[name]
    return None


_BROKEN: tuple[tuple[type[Exception], str, str], ...] = (
    (urllib3.exceptions.NameResolutionError, "its host name has no address", "check the URL and the network"),
    (urllib3.exceptions.SSLError, "its certificate is not trusted", "set SSL_CERT_FILE if it is your own"),
    (urllib3.exceptions.NewConnectionError, "nothing accepts connections there", "check host and port"),
    (urllib3.exceptions.TimeoutError, "it did not answer in time", "try again"),
    (urllib3.exceptions.ResponseError, "it redirects too often", "check the URL"),
    (Exception, "the connection broke", "try again"),
)


def broken_by(error: Exception) -> tuple[str, str]:
    """What went wrong with a request, and what to do about it."""
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    return next((what, advice) for kind, what, advice in _BROKEN if isinstance(reason, kind))


def _fault(status: int, url: str, *, sent_credentials: bool) -> Denied | NotFound | Unavailable:
    if status == 401 and not sent_credentials:
        return Denied(f"{url} wants credentials and none were given; set a token that may read it")
    if status in (401, 403):
        return Denied(f"{url} refused the credentials with status {status}; check the token, its expiry and its rights")
    if status in (404, 410):
        return NotFound(f"no Git repository at {url}; check the URL, or the token if the repository is private")
    return Unavailable(f"{url} answered with status {status}; try again")
