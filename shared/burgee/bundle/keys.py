"""Names of objects in a store: the one place that knows them."""

from __future__ import annotations

from ..core.errors import InvalidRequest
from .digest import hex_of

INDEX = "environments/index.json"
BLOBS = "blobs/sha256"
HEAD_NAME = "head.json"
# What `burgee doctor` writes to, so that nothing else is touched and nothing piles up.
PROBE = "probe.json"
JSON = "application/json"
IMMUTABLE = "public, max-age=31536000, immutable"
MUTABLE = "no-cache"
LONGEST_NAMESPACE = 255
_LONGEST_PLACE = 128

_ENVIRONMENT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_NAMESPACE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_,")


def blob(digest: str) -> str:
    """A document or bundle manifest. Raises InvalidDocument when `digest` is not one."""
    return f"{BLOBS}/{hex_of(digest)}"


def head(environment: str) -> str:
    """The end of an environment's log."""
    return f"environments/{checked_environment(environment)}/{HEAD_NAME}"


def release(environment: str, revision: int) -> str:
    """A release by its number."""
    return f"environments/{checked_environment(environment)}/releases/{revision:010d}.json"


def static_snapshot(environment: str, namespace: str) -> str:
    """What Flipt's client SDKs fetch when their base URL is `.../environments/<environment>`."""
    return static_snapshots(environment) + checked_namespace(namespace)


def static_snapshots(environment: str) -> str:
    """The prefix of every static snapshot of an environment."""
    return f"environments/{checked_environment(environment)}/internal/v1/evaluation/snapshot/namespace/"


def instance(environment: str, place: str) -> str:
    """What one reader serves. Raises InvalidRequest unless `place` is 1 to 128 of `a-z 0-9 -`, not `-` at first."""
    if not place or len(place) > _LONGEST_PLACE or place[0] == "-" or set(place) - _ENVIRONMENT:
        raise InvalidRequest(f"places of instances are 1 to {_LONGEST_PLACE} of a-z, 0-9 and '-', got {place!r}")
    return f"{instances(environment)}{place}.json"


def instances(environment: str) -> str:
    """The prefix of what readers of an environment report."""
    return f"environments/{checked_environment(environment)}/instances/"


def cache_control(key: str) -> str:
    """The Cache-Control an object of that key is written with."""
    return IMMUTABLE if key.startswith("blobs/") or "/releases/" in key else MUTABLE


def checked_environment(name: str) -> str:
    """`name` itself. Raises InvalidRequest unless it matches `[a-z0-9][a-z0-9-]{0,62}`: it becomes part of a path."""
    if not name or len(name) > 63 or name[0] == "-" or set(name) - _ENVIRONMENT:
        raise InvalidRequest(f"environment names match [a-z0-9][a-z0-9-]{{0,62}}, got {name!r}")
    return name


def checked_namespace(key: str) -> str:
    """`key` itself. Raises InvalidRequest unless it is 1 to 255 of `A-Z a-z 0-9 - _ ,`: it becomes a file's name."""
    if not key or len(key) > LONGEST_NAMESPACE or set(key) - _NAMESPACE:
        raise InvalidRequest(f"namespace keys are 1 to {LONGEST_NAMESPACE} of A-Z a-z 0-9 - _ and comma, got {key!r}")
    return key
