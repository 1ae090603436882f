"""The head: the one mutable object of an environment, which shows the end of its log.

Law: swapping the head is the only commit point. The releases it holds are those active or pending, newest last.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import DigestMismatch, InvalidDocument
from ..core.instant import format_instant, parse_instant
from .digest import digest_of, encode_text, ordered_json
from .release import check_format, decode_release, encode_release, loads_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .release import Release

FORMAT = 1
# Between the publishing of a release and its being readable (ms): a difference beyond this is one of clocks.
LONGEST_LAG_MS = 600_000

# More milliseconds or seconds than anybody means.
_MOST = 10**12
# What a head may say of itself, as those who read on reckon with it.
_SAID = ("by", "reason", "since", "until")
_WAITING = ("commit", "since")
_SIGNATURE = ("algorithm", "key", "signature")

Entry = namedtuple("Entry", "digest payload release signatures")
Entry.__doc__ = "A release in a head: its bytes as text (`payload`), their digest, the Release they say, signatures."


class Head(
    namedtuple(
        "Head",
        "environment revision max_reader_ttl_seconds expires_at hold freeze releases written_at lags_ms waiting "
        "ttl_until clock_skew_ms signatures",
        defaults=(None, None, None, (), None, (), None, None, None, ()),
    )
):
    """The end of an environment's log.

    `revision` is that of the newest release; `max_reader_ttl_seconds` bounds how long readers may not look;
    `expires_at` is milliseconds since the epoch or None; `hold` and `freeze` are None or the objects that say why
    nothing may be published; `releases` are Entries, oldest first. `written_at` is the instant at which this head was
    planned, and `lags_ms` how long the last releases took from there to being readable; `waiting` is None or an object
    that says which publish a hold or freeze keeps back; until `ttl_until` readers may still go by a longer
    `max_reader_ttl_seconds` of before, and `clock_skew_ms` is by how much clocks may differ (both None where nothing is
    said); `signatures` are those of the head itself.
    """

    __slots__ = ()

    @property
    def last(self) -> Entry:
        """The newest release, active or pending."""
        entry: Entry = self.releases[-1]
        return entry


def entry_of(release: Release) -> Entry:
    """The entry that holds a release."""
    content = encode_release(release)
    return Entry(digest_of(content), content.decode(), release, ())


def active_at(head: Head, instant: int) -> Entry | None:
    """The highest revision among the releases that are active at `instant` (milliseconds), or None.

    The head itself proves that its newest release was published, so an instant before that cannot be now: a reader
    whose clock is slow sees what was published as active.
    """
    now = max(instant, head.last.release.published_at)
    active = [entry for entry in head.releases if entry.release.activates_at <= now]
    return active[-1] if active else None


def pending_at(head: Head, instant: int) -> tuple[Entry, ...]:
    """The releases that still become active after `instant`, oldest first.

    A release below the active revision never will: the active one is the highest.
    """
    active = active_at(head, instant)
    above = active.release.revision if active else 0
    return tuple(entry for entry in head.releases if entry.release.revision > above)


def append(head: Head | None, release: Release, *, max_reader_ttl_seconds: int) -> Head:
    """The head after `release`: what is active or pending at its publishing, then itself.

    What would become active no earlier than the release never will, and is left out: with a release that is active at
    once, everything before it. A head keeps its hold and freeze.
    """
    kept: tuple[Entry, ...] = ()
    if head is not None and release.activates_at > release.published_at:
        active = active_at(head, release.published_at)
        pending = pending_at(head, release.published_at)
        earlier = (entry for entry in pending if entry.release.activates_at < release.activates_at)
        kept = (*((active,) if active else ()), *earlier)
    return Head(
        environment=release.environment,
        revision=release.revision,
        max_reader_ttl_seconds=max_reader_ttl_seconds,
        expires_at=head.expires_at if head else None,
        hold=head.hold if head else None,
        freeze=head.freeze if head else None,
        releases=(*kept, entry_of(release)),
        lags_ms=head.lags_ms if head else (),
    )


def encode_head(head: Head) -> bytes:
    """The head's bytes, ending in a newline."""
    fields = {
        "format": FORMAT,
        "environment": head.environment,
        "revision": head.revision,
        "max_reader_ttl_seconds": head.max_reader_ttl_seconds,
        "expires_at": None if head.expires_at is None else format_instant(head.expires_at),
        "hold": head.hold,
        "freeze": head.freeze,
        "releases": [
            {"digest": entry.digest, "payload": entry.payload, "signatures": list(entry.signatures)}
            for entry in head.releases
        ],
        **({} if head.written_at is None else {"written_at": format_instant(head.written_at)}),
        **({"lags_ms": list(head.lags_ms)} if head.lags_ms else {}),
        **({"waiting": head.waiting} if head.waiting else {}),
        **({} if head.ttl_until is None else {"ttl_until": format_instant(head.ttl_until)}),
        **({} if head.clock_skew_ms is None else {"clock_skew_ms": head.clock_skew_ms}),
        **({"signatures": list(head.signatures)} if head.signatures else {}),
    }
    return encode_text(ordered_json(fields)) + b"\n"


def decode_head(content: bytes) -> Head:
    """Raises InvalidDocument for what is not a head, DigestMismatch when a release is not what its digest says."""
    fields = loads_object(content, "head")
    check_format(fields, FORMAT, "head")
    try:
        entries = tuple(_entry(listed) for listed in fields["releases"])
        expires_at, written_at, ttl_until = (fields.get(name) for name in ("expires_at", "written_at", "ttl_until"))
        head = Head(
            environment=fields["environment"],
            revision=fields["revision"],
            max_reader_ttl_seconds=fields.get("max_reader_ttl_seconds"),
            expires_at=None if expires_at is None else parse_instant(expires_at),
            hold=fields.get("hold"),
            freeze=fields.get("freeze"),
            releases=entries,
            written_at=None if written_at is None else parse_instant(written_at),
            lags_ms=tuple(fields.get("lags_ms") or ()),
            waiting=fields.get("waiting"),
            ttl_until=None if ttl_until is None else parse_instant(ttl_until),
            clock_skew_ms=fields.get("clock_skew_ms"),
            signatures=tuple(fields.get("signatures") or ()),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise InvalidDocument(f"head lacks a field or has one of the wrong kind: {error!r}") from error
    _check(head)
    return head


def _entry(listed: dict[str, str]) -> Entry:
    content = encode_text(listed["payload"])
    if digest_of(content) != listed["digest"]:
        raise DigestMismatch(f"head holds a release whose digest is not {listed['digest']}")
    return Entry(listed["digest"], listed["payload"], decode_release(content), tuple(listed.get("signatures", ())))


def _check(head: Head) -> None:
    revisions = [entry.release.revision for entry in head.releases]
    if not revisions or revisions != sorted(set(revisions)) or revisions[-1] != head.revision:
        raise InvalidDocument(f"head of {head.environment!r} lists releases {revisions}, wanted {head.revision} last")
    if any(entry.release.environment != head.environment for entry in head.releases):
        raise InvalidDocument(f"head of {head.environment!r} holds a release of another environment")
    _check_kinds(head)


def _check_kinds(head: Head) -> None:
    """Raises InvalidDocument where a head says of itself what those who read on cannot reckon with."""
    signatures = (*head.signatures, *(listed for entry in head.releases for listed in entry.signatures))
    for name, is_right in (
        ("revision", _is_number(head.revision)),
        ("max_reader_ttl_seconds", head.max_reader_ttl_seconds is None or _is_number(head.max_reader_ttl_seconds)),
        ("clock_skew_ms", head.clock_skew_ms is None or _is_number(head.clock_skew_ms)),
        ("lags_ms", all(_is_number(lag, LONGEST_LAG_MS) for lag in head.lags_ms)),
        ("hold", _is_said(head.hold)),
        ("freeze", _is_said(head.freeze) and (not isinstance(head.freeze, dict) or _is_freeze(**head.freeze))),
        ("waiting", head.waiting is None or _has_texts(head.waiting, _WAITING)),
        ("signatures", all(_has_texts(listed, _SIGNATURE) for listed in signatures)),
    ):
        if not is_right:
            raise InvalidDocument(f"head of {head.environment!r} has {name} of the wrong kind, or beyond all measure")


def _is_number(value: Any, most: int = _MOST) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_said(said: Any) -> bool:
    """Whether it is nothing, a text, or an object of texts as far as its fields are known."""
    if isinstance(said, dict):
        return _has_texts(said, [name for name in _SAID if said.get(name) is not None])
    return said is None or isinstance(said, str)


def _is_freeze(*, until: Any = None, superseded: Any = (), **_: object) -> bool:
    """Whether its instants are some, and what it superseded are releases. Raises InvalidDocument as parse_instant."""
    if until is not None:
        parse_instant(until)
    return isinstance(superseded, list | tuple) and all(
        _has_texts(each, ["activates_at"]) and _is_number(each.get("revision")) and parse_instant(each["activates_at"])
        for each in superseded
    )


def _has_texts(said: Any, names: Iterable[str]) -> bool:
    return isinstance(said, dict) and all(isinstance(said.get(name), str) for name in names)
