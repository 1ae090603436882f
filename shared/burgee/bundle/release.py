"""The release: one numbered entry of an environment's log."""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import InvalidDocument
from ..core.instant import format_instant, parse_instant
from .digest import encode_text, is_digest, ordered_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1

Origin = namedtuple("Origin", "repository ref commit committed_at author", defaults=(None,))
Origin.__doc__ = """Where a release's files came from.

`committed_at` is in milliseconds since the epoch or None; `author` is a name without an address, as releases may be
read by anybody, or None."""


class Release(
    namedtuple(
        "Release",
        "environment revision kind bundle profile namespaces source published_at activates_at pending previous "
        "explicit note",
        defaults=(False, None),
    )
):
    """What was released when.

    `bundle` is the manifest's digest; `profile` names the evaluation profile, as `C/server`; `namespaces` maps a key
    to its document's (digest, size in bytes); `source` is an Origin; instants are milliseconds since the epoch;
    `pending` holds the revisions that were still to become active; `previous` is the digest of the previous
    release's bytes, or None for the first. `explicit` says that somebody asked for that very instant; `note` is None or
    texts by name: `by` and `reason` of what a person did, `overrides` of what was broken through for it.
    """

    __slots__ = ()


def encode_release(release: Release) -> bytes:
    """The bytes that are hashed, signed and stored."""
    source = release.source
    committed_at = None if source.committed_at is None else format_instant(source.committed_at)
    fields = {
        "format": FORMAT,
        "environment": release.environment,
        "revision": release.revision,
        "kind": release.kind,
        "bundle": release.bundle,
        "profile": release.profile,
        "namespaces": {
            key: {"digest": digest, "size": size} for key, (digest, size) in sorted(release.namespaces.items())
        },
        "source": {
            "repository": source.repository,
            "ref": source.ref,
            "commit": source.commit,
            "committed_at": committed_at,
            **({"author": source.author} if source.author else {}),
        },
        "published_at": format_instant(release.published_at),
        "activates_at": format_instant(release.activates_at),
        "pending": list(release.pending),
        "previous": release.previous,
        **({"explicit": True} if release.explicit else {}),
        **({"note": dict(sorted(release.note.items()))} if release.note else {}),
    }
    return encode_text(ordered_json(fields))


def decode_release(content: bytes) -> Release:
    """Raises InvalidDocument for an unknown format or anything that is not a release; unknown fields are ignored."""
    fields = loads_object(content, "release")
    check_format(fields, FORMAT, "release")
    try:
        source = fields["source"]
        committed_at = source.get("committed_at")
        release = Release(
            environment=fields["environment"],
            revision=fields["revision"],
            kind=fields["kind"],
            bundle=fields["bundle"],
            profile=fields["profile"],
            namespaces={key: (layer["digest"], layer["size"]) for key, layer in fields["namespaces"].items()},
            source=Origin(
                source["repository"],
                source["ref"],
                source["commit"],
                None if committed_at is None else parse_instant(committed_at),
                source.get("author"),
            ),
            published_at=parse_instant(fields["published_at"]),
            activates_at=parse_instant(fields["activates_at"]),
            pending=tuple(fields["pending"]),
            previous=fields["previous"],
            explicit=fields.get("explicit") is True,
            note=_note(fields.get("note")),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise InvalidDocument(f"release lacks a field or has one of the wrong kind: {error!r}") from error
    _check(release)
    return release


def loads_object(content: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object. Raises InvalidDocument, naming `what` was wanted."""
    from json import loads

    try:
        fields = loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"{what} is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidDocument(f"{what} is not a JSON object")
    return fields


def check_format(fields: dict[str, Any], known: int, what: str) -> None:
    """Raises InvalidDocument when the format is not the one this version knows."""
    if fields.get("format") != known:
        raise InvalidDocument(
            f"{what} has format {fields.get('format')!r}, this burgee reads format {known}; a newer burgee wrote it"
        )


def _note(note: Any) -> dict[str, str] | None:
    """The texts of a note; what is none of them is of a newer version."""
    if not isinstance(note, dict):
        return None
    return {name: text for name, text in note.items() if isinstance(text, str)} or None


def _check(release: Release) -> None:
    sizes_known = all(is_digest(digest) and isinstance(size, int) for digest, size in release.namespaces.values())
    texts = (release.environment, release.kind, release.profile, *release.source[:3], release.source.author or "")
    if not all(isinstance(text, str) for text in texts) or not all(type(each) is int for each in release.pending):
        raise InvalidDocument("release has a text or a number of another kind")
    if type(release.revision) is not int or release.revision < 1 or not is_digest(release.bundle):
        raise InvalidDocument("release has no usable revision or bundle")
    if not sizes_known or not (release.previous is None or is_digest(release.previous)):
        raise InvalidDocument("release names something by what is not a digest")
