"""Pushes as Git hosts tell of them: what moved where, read from an event whose sender is known already.

Source: the hosts' pages on webhooks: GitHub (push), GitLab (push and tag events), Gitea and Forgejo (push), Bitbucket
Cloud (repo:push).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ..core.errors import InvalidRequest, NotJson
from ..git.refs import is_commit
from .job import is_text

_NO_COMMIT = frozenset("0")
_FORM = "application/x-www-form-urlencoded"
_REFS = {"branch": "refs/heads/", "named_branch": "refs/heads/", "tag": "refs/tags/"}


@dataclass(frozen=True, slots=True)
class Moved:
    """A ref by its full name, and the commit it points at now: None when it was deleted."""

    ref: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Push:
    """What a push moved.

    `addresses` are URLs of the repository, any of which may be the known one; `default_branch` is its name where the
    host says it; `pushed_at` is in milliseconds since the epoch where the host does.
    """

    moved: tuple[Moved, ...]
    addresses: tuple[str, ...]
    default_branch: str | None = None
    pushed_at: int | None = None


def read_push(host: str, headers: Mapping[str, str], body: bytes) -> Push:
    """The push in an event of a host (`github`, `gitlab`, `gitea`, `forgejo`, `bitbucket`).

    Raises NotJson and InvalidRequest for an event that is not what the host sends.
    """
    fields = _fields(headers, body)
    try:
        return _READERS[host](fields)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InvalidRequest(f"the push event of {host} lacks a field or has one of another kind: {error!r}") from error


def _fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        if headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
            # What GitHub sends unless it was asked for JSON.
            body = parse_qs(body.decode(), strict_parsing=True, max_num_fields=16)["payload"][0].encode()
        fields = json.loads(body)
    except (ValueError, LookupError, RecursionError) as error:
        raise NotJson("the event is not JSON; let the webhook's content type be application/json") from error
    if not isinstance(fields, dict):
        raise InvalidRequest(f"wanted the event as a JSON object, got {type(fields).__name__}")
    return fields


def _github(fields: dict[str, Any]) -> Push:
    repository = fields["repository"]
    pushed_at = repository.get("pushed_at")
    return Push(
        moved=(_moved(fields["ref"], fields["after"]),),
        addresses=_texts(repository, "clone_url", "html_url", "ssh_url"),
        default_branch=_text(repository.get("default_branch")),
        # A number in push events, a text in others and at those that only look like GitHub.
        pushed_at=pushed_at * 1000 if isinstance(pushed_at, int) else None,
    )


def _gitlab(fields: dict[str, Any]) -> Push:
    project = fields["project"]
    return Push(
        moved=(_moved(fields["ref"], fields["after"]),),
        addresses=_texts(project, "git_http_url", "web_url", "git_ssh_url"),
        default_branch=_text(project.get("default_branch")),
    )


def _bitbucket(fields: dict[str, Any]) -> Push:
    return Push(
        moved=tuple(_changes(fields["push"]["changes"])),
        addresses=_texts(fields["repository"]["links"]["html"], "href"),
    )


def _changes(changes: list[dict[str, Any]]) -> Iterator[Moved]:
    for change in changes:
        after, before = change.get("new"), change.get("old")
        ref = after or before
        if ref and ref["type"] in _REFS:
            yield Moved(_ref(_REFS[ref["type"]] + ref["name"]), _commit(after["target"]["hash"]) if after else None)


def _moved(ref: object, commit: object) -> Moved:
    after = _commit(commit)
    return Moved(_ref(ref), None if set(after) <= _NO_COMMIT else after)


def _ref(value: object) -> str:
    if not is_text(value):
        raise ValueError(f"wanted the name of a ref, got {value!r:.60}")
    return value


def _commit(value: object) -> str:
    if not is_commit(value):
        raise ValueError(f"wanted the id of a commit, got {value!r:.60}")
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(fields: Mapping[str, object], *names: str) -> tuple[str, ...]:
    return tuple(value for value in map(fields.get, names) if value and is_text(value))


_READERS: dict[str, Callable[[dict[str, Any]], Push]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _github,
    "forgejo": _github,
    "bitbucket": _bitbucket,
}
