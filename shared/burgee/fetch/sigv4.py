"""AWS Signature Version 4: what a request says of itself, who asks, and a proof (AWS General Reference, "SigV4").

Law: pure; the instant is an argument and nothing is looked up.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_PORTS = {"http": 80, "https": 443}


class Credentials(namedtuple("Credentials", "access_key secret_key token expires_at source")):
    """Who asks: `token` is that of a session or None, `expires_at` an instant or None, `source` words for people.

    `access_key` is None for nobody. What is secret is not shown.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Credentials({self.shown()})"

    def shown(self) -> str:
        """Words that tell one from another and help nobody to ask in their name."""
        return f"access key ...{self.access_key[-4:]} of {self.source}" if self.access_key else str(self.source)


Scope = namedtuple("Scope", "region service")
Scope.__doc__ = """Where a signature holds, as `eu-central-1` and `s3`."""


def signed(
    method: str, url: str, headers: Mapping[str, str], credentials: Credentials, scope: Scope, instant: int
) -> dict[str, str]:
    """The headers of a request without a body: `headers`, all of them signed, Host, the time, the token and the proof.

    `url` is the one that is asked for, its path and query encoded as they are sent.
    """
    from hashlib import sha256

    timestamp = _timestamp(instant)
    named = {"Host": _host(url), **headers, "X-Amz-Date": timestamp}
    if scope.service == "s3":
        named["X-Amz-Content-SHA256"] = _NO_BODY
    if credentials.token:
        named["X-Amz-Security-Token"] = credentials.token
    names, request = _canonical(method, url, named, scope.service)
    within = f"{timestamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((_ALGORITHM, timestamp, within, sha256(request.encode()).hexdigest()))
    signature = _mac(_signing_key(credentials.secret_key, within), text).hex()
    proof = f"{_ALGORITHM} Credential={credentials.access_key}/{within}, SignedHeaders={names}, Signature={signature}"
    return named | {"Authorization": proof}


def _timestamp(instant: int) -> str:
    from time import gmtime, strftime

    return strftime("%Y%m%dT%H%M%SZ", gmtime(instant // 1000))


def _host(url: str) -> str:
    """As the client's Host header has it: the port only when it is not the scheme's."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def _canonical(method: str, url: str, headers: Mapping[str, str], service: str) -> tuple[str, str]:
    """The names of the headers, and the request, in the one form that is signed."""
    from urllib.parse import quote, urlsplit

    parts = urlsplit(url)
    # S3 alone takes the path as it is sent; elsewhere it is encoded once more.
    path = parts.path if service == "s3" else quote(parts.path, safe="/~")
    query = sorted(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in lines)
    request = (
        method,
        path or "/",
        "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{value}" for name, value in lines),
        "",
        names,
        _NO_BODY,
    )
    return names, "\n".join(request)


def _signing_key(secret_key: str, within: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in within.split("/"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    from hmac import digest

    return digest(key, text.encode(), "sha256")
