"""Who sent an event: which kind of Git host, and the proof that it knows the secret.

Law: nothing of a body is looked at before its signature was compared, in constant time, over the bytes as they came.

Source: GitHub's X-Hub-Signature-256, Bitbucket's X-Hub-Signature and Gitea's and Forgejo's signature headers are
HMAC-SHA256 in hex; GitLab sends the secret itself in X-Gitlab-Token or, where it signs, the headers of the Standard
Webhooks specification (HMAC-SHA256 over `<id>.<timestamp>.<body>`, base64, times at most five minutes off).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest, new

from ..core.errors import InvalidRequest, Unauthenticated
from ..core.signature import TOLERANCE_SECONDS, whsec_key

_Check = Callable[[str, Mapping[str, str], bytes, int], None]
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Host:
    """A kind of Git host: the header that names events, its names for pushes, and headers with an event's id, of which
    the first one counts."""

    kind: str
    event_header: str
    pushes: tuple[str, ...]
    id_headers: tuple[str, ...]
    check: _Check
    # Whether an equal body under another id is the same event sent again: ids are not signed, bodies are and differ.
    signs_bodies: bool = True


@dataclass(frozen=True, slots=True)
class Sender:
    """A host that has proven itself, whether its event is a push, and the event's id, which is not proven."""

    host: Host
    is_push: bool
    event: str
    delivery: str


def sender_of(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> Sender:
    """The sender of an event; `headers` are in lower case, `now` is in milliseconds.

    Raises InvalidRequest when no host sends events like it, Unauthenticated when the signature is missing or wrong.
    """
    # Gitea and Forgejo send GitHub's header beside their own, so they come first.
    host = next((host for host in HOSTS if host.event_header in headers), None)
    if host is None:
        raise InvalidRequest(f"wanted an event of a Git host, so one of the headers {', '.join(_EVENT_HEADERS)}")
    host.check(secret, headers, body, now)
    event = headers[host.event_header]
    return Sender(host, event in host.pushes, event, _delivery(host, headers, body))


def _delivery(host: Host, headers: Mapping[str, str], body: bytes) -> str:
    given = next((headers[name] for name in host.id_headers if headers.get(name)), "")
    usable = 0 < len(given) <= _LONGEST_ID and given.isascii() and given.isprintable() and " " not in given
    return f"{host.kind}:{given if usable else sha256(given.encode('utf-8', 'replace') or body).hexdigest()}"


def _signed(header: str, prefix: str = "") -> _Check:
    """The check of a header that holds the HMAC of the body in hex."""

    def check(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> None:
        given = headers.get(header, "")
        if not given:
            raise Unauthenticated(f"no signature: wanted the header {header}; give the webhook its secret at the host")
        _compare(given, prefix + new(secret.encode(), body, "sha256").hexdigest(), header)

    return check


def _gitlab(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> None:
    if "webhook-signature" in headers:
        _standard(secret, headers, body, now)
        return
    token = headers.get("x-gitlab-token", "")
    if not token:
        raise Unauthenticated("no proof: wanted webhook-signature or x-gitlab-token; give the webhook its secret")
    _compare(token, secret, "x-gitlab-token")


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> None:
    name, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 15):
        raise Unauthenticated("the header webhook-timestamp is not a number of seconds")
    text = b"%b.%b.%b" % (name.encode("utf-8", "replace"), seconds.encode(), body)
    code = "v1," + b64encode(new(whsec_key(secret), text, "sha256").digest()).decode()
    # A secret that is being replaced gives two signatures, of which one will do.
    if not any(_equal(given, code) for given in headers["webhook-signature"].split()):
        raise Unauthenticated("webhook-signature is not that of this body under this secret")
    apart = abs(now // 1000 - int(seconds))
    if apart > TOLERANCE_SECONDS:
        raise Unauthenticated(f"the event was signed {apart} seconds from now, wanted at most {TOLERANCE_SECONDS}")


def _compare(given: str, wanted: str, header: str) -> None:
    if not _equal(given, wanted):
        raise Unauthenticated(f"{header} is not that of this body under this secret; compare the secrets on both sides")


def _equal(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), wanted.encode())


HOSTS = (
    Host("forgejo", "x-forgejo-event", ("push",), ("x-forgejo-delivery",), _signed("x-forgejo-signature")),
    Host("gitea", "x-gitea-event", ("push",), ("x-gitea-delivery",), _signed("x-gitea-signature")),
    Host(
        "gitlab",
        "x-gitlab-event",
        ("Push Hook", "Tag Push Hook"),
        # Only the first is signed, and the last is shared by events that hooks cause.
        ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
        _gitlab,
        signs_bodies=False,
    ),
    Host("bitbucket", "x-event-key", ("repo:push",), ("x-request-uuid",), _signed("x-hub-signature", "sha256=")),
    Host("github", "x-github-event", ("push",), ("x-github-delivery",), _signed("x-hub-signature-256", "sha256=")),
)
_EVENT_HEADERS = tuple(host.event_header for host in HOSTS)
