"""Heads, releases and the environment index in a registry's repository: the one place that knows their names there.

Law: an artifact's first layer is the very bytes that object stores keep.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import InvalidDocument
from . import keys
from .digest import is_digest

HEAD, RELEASE, INDEX = "head", "release", "environments"
# No environment has a name with an underscore or a dot, so these are nobody's own.
INDEX_TAG = "_environments"

Layer = namedtuple("Layer", "media_type digest size")
Layer.__doc__ = """A blob as an artifact names it; `size` is in bytes."""


def active_tag(environment: str) -> str:
    """The tag of the active bundle."""
    return keys.checked_environment(environment)


def head_tag(environment: str) -> str:
    """The tag of the head."""
    return f"{keys.checked_environment(environment)}.head"


def release_tag(environment: str, revision: int) -> str:
    """The tag of a release by its number."""
    return f"{keys.checked_environment(environment)}.{revision:010d}"


def tag_of(key: str) -> tuple[str, str] | None:
    """The kind of artifact that holds the object of that key, and its tag; None for one that has none."""
    if key == keys.INDEX:
        return INDEX, INDEX_TAG
    environment, _, name = key.removeprefix("environments/").partition("/")
    if name == keys.HEAD_NAME:
        return HEAD, head_tag(environment)
    folder, _, file = name.partition("/")
    number = file.removesuffix(".json")
    return (RELEASE, release_tag(environment, int(number))) if folder == "releases" and number.isdecimal() else None


def artifact_type(kind: str) -> str:
    """That of an artifact of burgee's own."""
    return f"application/vnd.burgee.{kind}.v1"


def first_layer(content: bytes, kind: str) -> Layer:
    """Where the bytes are that an artifact is there for. Raises InvalidDocument for one of another kind."""
    from json import loads

    try:
        artifact = loads(content)
        found, first = artifact.get("artifactType"), artifact["layers"][0]
        layer = Layer(first["mediaType"], first["digest"], first["size"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidDocument(f"content is no artifact of burgee's: {error!r}") from error
    if found != artifact_type(kind) or not is_digest(layer.digest) or not isinstance(layer.size, int):
        raise InvalidDocument(f"artifact has type {found!r}, wanted {artifact_type(kind)}")
    return layer
