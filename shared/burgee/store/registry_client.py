"""One request to a registry at a time, by oras' client, with its faults worked around here and nowhere else.

What serves of it: its session, which refuses cookies, the paths of a repository, and the request that is repeated when
the registry asks who it is. What does not: retries that sleep for minutes around every request (the function inside
them is called), no bounds of time (the session's adapter has them) or size, auth backends that keep the first token
(`Auth` is ours), manifests that are written anew, so that their digest changes, and blobs that must be files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import oras.container
import oras.provider
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from .. import __version__
from ..bundle.oci_address import OciAddress
from ..bundle.oci_auth import Login
from .pace import Pace
from .registry_answers import beginning_of, content_of
from .registry_auth import Auth
from .registry_faults import Refused

_REDIRECTS = 5
_CONNECTIONS = 16
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
        self._seconds = pace.whole
        self._oras = oras.provider.Registry(insecure=scheme == "http")
        session = self._oras.session
        # Or a .netrc would be shown to the registry in place of what is meant for it.
        session.trust_env = False
        session.proxies = _proxies(address.base, environ)
        session.max_redirects = _REDIRECTS
        session.headers.update({"User-Agent": f"burgee/{__version__}", "Accept-Encoding": "identity"})
        session.verify = environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE") or True
        self._oras._tls_verify = session.verify
        for beginning in ("http://", "https://"):
            session.mount(beginning, _Bounded((pace.connect, pace.answer)))
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
        if response.status_code >= 300:
            raise Refused(response.status_code, response.reason, beginning_of(response))
        body = content_of(response, max_bytes=max_bytes, name=f"{method} {url}", seconds=self._seconds)
        return Answer(response.headers, body)

    def absolute(self, path: str) -> str:
        """The URL of a path as oras gives them, which begin with the host, or of one that a registry names."""
        if path.startswith(("http://", "https://")):
            return path
        base = f"{self.address.base.partition('://')[0]}://"
        return f"{base}{path}" if path.startswith(f"{self._authority}/") else urljoin(f"{base}{self._authority}/", path)


class _Bounded(HTTPAdapter):
    """Waits so long to connect and between any two bytes, which oras does not pass on."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        super().__init__(pool_maxsize=_CONNECTIONS)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        return super().send(request, *args, **{**options, "timeout": self._timeout})


def _proxies(base: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy that variables name for the registry, as Docker and curl read them."""
    parts = urlsplit(base)
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if proxy_bypass_environment(parts.netloc, {"no": exempt}):
        return {}
    named = {"https": ("https_proxy", "HTTPS_PROXY"), "http": ("http_proxy",)}[parts.scheme]
    proxy = next((environ[name] for name in named if environ.get(name)), None)
    return {parts.scheme: proxy} if proxy else {}
