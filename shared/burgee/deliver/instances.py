"""What long-running readers say that they serve: the actual state beside the desired one.

A report is one object that its reader writes anew each minute, and it counts until it expires. Nothing depends on one:
whoever writes to a store may write any, and one that cannot be read is left out.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..bundle.digest import canonical_json, is_digest
from ..core.errors import ContentError, InvalidDocument, InvalidRequest
from ..core.instant import format_instant, parse_instant
from ..store.port import Store

FORMAT = 1
LIFETIME_MS = 600_000
MOST_READ = 1_000
_READERS = 16
_LARGEST = 16 * 1024
# These are shown to people as they are.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,127}")


@dataclass(frozen=True, slots=True)
class Instance:
    """One reader of an environment; instants are in milliseconds.

    `instance` is its name, of its host and something random. `revision`, `bundle` and `release` (a digest) are what it
    serves, `since` that instant, or None before its first; `seen_at` is its last good look at the store, and `stale`
    whether that is too long ago by its own measure. `version` is burgee's there.
    """

    instance: str
    environment: str
    revision: int | None
    bundle: str | None
    release: str | None
    since: int | None
    seen_at: int | None
    stale: bool
    expires_at: int
    version: str


def read_instances(store: Store, environment: str, *, now: int) -> tuple[Instance, ...]:
    """The readers whose reports have not expired, by name. Raises what `store` does when it cannot be read."""
    places = tuple(islice(store.list_instances(environment), MOST_READ))
    if not places:
        return ()
    with ThreadPoolExecutor(min(_READERS, len(places))) as readers:
        found = list(readers.map(lambda place: _read(store, environment, place), places))
    return tuple(sorted((each for each in found if each and each.expires_at > now), key=lambda each: each.instance))


def encode_instance(instance: Instance) -> bytes:
    """The report."""
    return canonical_json(
        {
            "format": FORMAT,
            "instance": instance.instance,
            "environment": instance.environment,
            "revision": instance.revision,
            "bundle": instance.bundle,
            "release": instance.release,
            "since": _text(instance.since),
            "seen_at": _text(instance.seen_at),
            "stale": instance.stale,
            "expires_at": _text(instance.expires_at),
            "version": instance.version,
        }
    ).encode()


def decode_instance(content: bytes, environment: str) -> Instance:
    """The reader that the bytes tell of. Raises InvalidDocument."""
    fields = _fields(content)
    if fields.get("format") != FORMAT or fields.get("environment") != environment:
        raise InvalidDocument(f"wanted a report of format {FORMAT} on environment {environment!r}, it is another thing")
    expires_at = _instant(fields, "expires_at")
    if expires_at is None:
        raise InvalidDocument("a report without expires_at would count for ever")
    return Instance(
        instance=_name(fields, "instance"),
        environment=environment,
        revision=_of(fields, "revision", int | None),
        bundle=_digest(fields, "bundle"),
        release=_digest(fields, "release"),
        since=_instant(fields, "since"),
        seen_at=_instant(fields, "seen_at"),
        stale=_of(fields, "stale", bool),
        expires_at=expires_at,
        version=_name(fields, "version"),
    )


def _read(store: Store, environment: str, place: str) -> Instance | None:
    try:
        found = store.read_instance(environment, place)
        return found and decode_instance(found[0], environment)
    except (ContentError, InvalidRequest):
        # Not a reader's, or its place has a name that no reader would give it.
        return None


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content) if len(content) <= _LARGEST else None
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"a report is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidDocument(f"a report is a JSON object of at most {_LARGEST} bytes, it is another thing")
    return fields


def _of(fields: dict[str, Any], name: str, kind: Any) -> Any:
    value = fields.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidDocument(f"field {name!r} of a report is of another type")
    return value


def _name(fields: dict[str, Any], name: str) -> str:
    text: str = _of(fields, name, str)
    if not _NAME.fullmatch(text):
        raise InvalidDocument(f"field {name!r} of a report is no name")
    return text


def _digest(fields: dict[str, Any], name: str) -> str | None:
    text: str | None = _of(fields, name, str | None)
    if text is not None and not is_digest(text):
        raise InvalidDocument(f"field {name!r} of a report is no digest")
    return text


def _instant(fields: dict[str, Any], name: str) -> int | None:
    text = _of(fields, name, str | None)
    return None if text is None else parse_instant(text)


def _text(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
