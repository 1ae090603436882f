"""One request to a registry at a time, by oras' client, with its faults worked around here and nowhere else.

What serves of it: the paths of a repository, and the request that is repeated when the registry asks who it is. What
does not: a session that makes reads of writes where these are led elsewhere, retries that sleep for minutes around
every request (the function inside them is called), no bounds of time (the session's adapter has them) or size, auth
backends that keep the first token (`Auth` is ours), manifests that are written anew, so that their digest changes, and
blobs that must be files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import oras.container
import oras.provider
from requests import (
    ConnectionError,  # noqa: A004 - requests': the network's, no file's
    RequestException,
    Response,
    Session,
)
from requests.exceptions import InvalidURL
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .. import __version__
from ..bundle.oci_address import OciAddress
from ..bundle.oci_auth import Login
from .pace import Pace
from .registry_answers import beginning_of, content_of
from .registry_auth import Auth
from .registry_faults import Refused
from .requests_timely import TimelyAdapter

_REDIRECTS = 5
_CONNECTIONS = 16
_READING = ("GET", "HEAD")
# What registries answer to writes; whatever else is there answers 200.
_WRITTEN = (201, 202, 204)
_once: Callable[..., Response] = oras.provider.Registry.do_request.__wrapped__


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are found in any case."""

    headers: Mapping[str, str]
    content: bytes


class Client:
    """Safe among threads; opens no connection before the first request."""

    def __init__(
        self,
        address: OciAddress,
        environ: Mapping[str, str],
        find_login: Callable[[], Login | None],
        *,
        pace: Pace,
        now: Callable[[], float],
    ) -> None:
        scheme, self._authority = address.base.split("://", 1)
        self.address = address
        self._oras = oras.provider.Registry(insecure=scheme == "http")
        session = self._oras.session = _Session()
        # Or a .netrc would be shown to the registry in place of what is meant for it.
        session.trust_env = False
        session.proxies = _proxies(address.base, environ)
        session.max_redirects = _REDIRECTS
        session.headers.update({"User-Agent": f"burgee/{__version__}", "Accept-Encoding": "identity"})
        session.verify = environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE") or True
        self._oras._tls_verify = session.verify
        for beginning in ("http://", "https://"):
            session.mount(beginning, TimelyAdapter(pace, connections=_CONNECTIONS))
        self.auth = self._oras.auth = Auth(address, session, find_login, now=now)
        # The name is put in afterwards: not every name of a registry is one to oras.
        self.paths = oras.container.Container(f"registry.invalid/{address.repository}")
        self.paths.registry = self._authority

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 65_536,
    ) -> Answer:
        """What the registry answers; `path` is one of `paths`, or where an answer led to.

        Raises a fault of registry_faults.FAULTS, InvalidDocument for more than `max_bytes`, Denied and Unavailable
        when nobody can be asked who may ask.
        """
        url = self.absolute(path)
        shown = {**(headers or {}), **self.auth.headers(method, url)}
        response = _once(self._oras, url, method, data=content, headers=shown, stream=True)
        if response.status_code >= 300 or (method not in _READING and response.status_code not in _WRITTEN):
            raise Refused(response.status_code, response.reason, beginning_of(response))
        # The query of an upload is its state, which is the registry's alone.
        name = f"{method} {url.partition('?')[0]}"
        return Answer(response.headers, content_of(response, max_bytes=max_bytes, name=name))

    def absolute(self, path: str) -> str:
        """The URL of a path as oras gives them, which begin with the host, or of one that a registry names."""
        base = f"{self.address.base.partition('://')[0]}://"
        if path.startswith(f"{self._authority}/"):
            return f"{base}{path}"
        with _addresses():
            return urljoin(f"{base}{self._authority}/", path)


class _Session(Session):
    """Keeps no cookies, and follows where a read is led: a write would become a read, or be written elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: Response) -> str | None:
        try:
            return super().get_redirect_target(resp) if resp.request.method in _READING else None
        except UnicodeError:
            # Nobody else will.
            resp.close()
            raise

    def request(self, *args: Any, **options: Any) -> Response:
        with _addresses():
            return super().request(*args, **options)


@contextmanager
def _addresses() -> Iterator[None]:
    """Raises InvalidURL for all that Python, urllib3 and requests say of what a registry names and is no address."""
    try:
        yield
    except RequestException:
        raise
    except ReadTimeoutError as error:
        # Of the body of a redirect, which requests reads a second time.
        raise ConnectionError(error) from error
    except (ValueError, HTTPError) as error:
        raise InvalidURL(f"the registry leads to what is no address ({error})") from error


def _proxies(base: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy that variables name for the registry, as Docker and curl read them."""
    parts = urlsplit(base)
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if proxy_bypass_environment(parts.netloc, {"no": exempt}):
        return {}
    named = {"https": ("https_proxy", "HTTPS_PROXY"), "http": ("http_proxy",)}[parts.scheme]
    proxy = next((environ[name] for name in named if environ.get(name)), None)
    return {parts.scheme: proxy} if proxy else {}
