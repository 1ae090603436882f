"""Credentials that a service hands out: for a web identity, to a container, to an instance; all of them for a while."""

from __future__ import annotations

from ..bundle.addresses import keeps_secrets
from ..core.errors import BurgeeError, ConfigurationError, ContentError, Denied, Unavailable
from ..core.instant import parse_instant
from .aws_endpoints import domain_of, given_endpoint
from .aws_profile import checked_credentials
from .connections import PATIENCE, Patience, checked_base, origin_of
from .xml_answers import element, refusal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .connections import Reply
    from .rim import Rim
    from .sigv4 import Credentials

# They are beside this machine or nowhere.
METADATA = Patience(1.0, 1.0, 3.0)
CONTAINER = Patience(1.0, 5.0, 10.0)

_CONTAINER_HOST = "http://169.254.170.2"
_INSTANCE_HOSTS = {"ipv4": "http://169.254.169.254", "ipv6": "http://[fd00:ec2::254]"}
_INSTANCE_ROLES = "/latest/meta-data/iam/security-credentials/"
# Who may be told a container's token without TLS besides this machine: what ECS and EKS answer at.
_NEAR = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")


def from_web_identity(environ: Mapping[str, str], rim: Rim, region: str) -> Credentials | None:
    """Those of the role that AWS_ROLE_ARN names, for the token that Kubernetes or another issuer keeps in a file.

    None without AWS_WEB_IDENTITY_TOKEN_FILE. Raises ConfigurationError, Denied, Unavailable.
    """
    from urllib.parse import urlencode

    path, role = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environ.get("AWS_ROLE_ARN")
    if not path:
        return None
    if not role:
        raise ConfigurationError("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not; set both or none")
    asked = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME") or "burgee",
        "WebIdentityToken": _token_in(rim, path, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    }
    url = (given_endpoint(environ, "STS") or f"https://sts.{region}.{domain_of(region)}") + "/"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = rim.ask("POST", url, headers, urlencode(asked).encode(), PATIENCE)
    if reply.status != 200:
        raise _refused("POST", reply, f"asked for the role {role}")
    named = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    return _handed_out(reply, *(element(reply.content, name) for name in named), source=f"role {role}")


def from_container(environ: Mapping[str, str], rim: Rim, region: str) -> Credentials | None:
    """Those of a task's or pod's role (ECS, EKS Pod Identity, Lambda SnapStart, Greengrass).

    None without AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI. Raises ConfigurationError, Denied, Unavailable.
    """
    url = _container_url(environ)
    if url is None:
        return None
    reply = rim.ask("GET", url, _container_headers(environ, rim), b"", CONTAINER)
    return _from_json(reply, "the container's role")


def from_instance(environ: Mapping[str, str], rim: Rim, region: str) -> Credentials | None:
    """Those of the instance's role, by the second version of its metadata service.

    None when there is no such service, when it knows no role, or AWS_EC2_METADATA_DISABLED is `true`.
    """
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    mode = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4").lower()
    given = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    base = checked_base(given) if given else _INSTANCE_HOSTS.get(mode, _INSTANCE_HOSTS["ipv4"])
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    try:
        session = rim.ask("PUT", f"{base}/latest/api/token", lifetime, b"", METADATA)
    except Unavailable:
        return None
    if session.status != 200:
        # Another cloud's service at the same address.
        return None
    headers = {"X-aws-ec2-metadata-token": session.content.decode("latin-1").strip()}
    roles = rim.ask("GET", base + _INSTANCE_ROLES, headers, b"", METADATA)
    if roles.status == 404:
        return None
    if roles.status != 200:
        raise _refused("GET", roles, "asked for the instance's role")
    role = roles.content.decode("utf-8", "replace").partition("\n")[0].strip()
    reply = rim.ask("GET", f"{base}{_INSTANCE_ROLES}{role}", headers, b"", METADATA)
    return _from_json(reply, f"role {role!r} of this instance")


def _container_url(environ: Mapping[str, str]) -> str | None:
    relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if relative:
        return f"{_CONTAINER_HOST}/{relative.lstrip('/')}"
    url = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not url:
        return None
    host = origin_of(url)[1]
    if host not in _NEAR and not keeps_secrets(url):
        raise ConfigurationError(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI is https or an address of this machine, ECS or EKS, got host {host!r}"
        )
    return url


def _container_headers(environ: Mapping[str, str], rim: Rim) -> dict[str, str]:
    path = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path:
        return {"Authorization": _token_in(rim, path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")}
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    return {"Authorization": _checked_token(token, "AWS_CONTAINER_AUTHORIZATION_TOKEN")} if token else {}


def _token_in(rim: Rim, path: str, variable: str) -> str:
    """What the file has, read each time: others renew it."""
    try:
        content = rim.read(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} of {variable}: {error.strerror}") from error
    return _checked_token(content.decode("utf-8", "replace").strip(), f"{path} of {variable}")


def _checked_token(token: str, source: str) -> str:
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError(f"{source} has no token of one line")
    return token


def _from_json(reply: Reply, source: str) -> Credentials:
    from json import loads

    if reply.status != 200:
        raise _refused("GET", reply, f"asked for the credentials of {source}")
    try:
        fields = loads(reply.content)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or fields.get("Code", "Success") != "Success":
        raise Unavailable(f"GET {reply.url}: answered no credentials of {source}")
    named = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
    return _handed_out(reply, *(fields.get(name) for name in named), source=source)


def _handed_out(
    reply: Reply, access_key: Any, secret_key: Any, token: Any, expiration: Any, *, source: str
) -> Credentials:
    """Credentials of an answer. Raises Unavailable when they are not whole."""
    texts = (access_key, secret_key, token, expiration)
    if not all(isinstance(text, str) and text for text in texts):
        raise Unavailable(f"{reply.url} answered half of the credentials of {source}")
    try:
        found = checked_credentials(access_key, secret_key, token, source=source, expires_at=parse_instant(expiration))
    except (ConfigurationError, ContentError) as error:
        raise Unavailable(f"{reply.url} answered credentials that none can be: {error}") from error
    assert found is not None
    return found


def _refused(method: str, reply: Reply, asked: str) -> BurgeeError:
    refusal = refusal_of(reply)
    said = f"{method} {reply.url}: {refusal}; {asked}"
    return Denied(said) if refusal.status in (400, 401, 403) else Unavailable(said)
