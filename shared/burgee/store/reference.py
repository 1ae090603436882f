"""Where a bundle is: a place, and the tag, environment or digest that names one bundle of it.

`oci://registry/repository:tag`, `oci-layout:///folder:tag`, `s3://bucket/prefix#production`; a digest follows an `@` in
the first two, and the `#` in stores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..bundle.addresses import shown_url
from ..bundle.digest import is_digest
from ..core.errors import ConfigurationError
from .artifacts import Artifacts
from .folders import is_layout, is_store
from .foreign_references import EXAMPLES, is_foreign, refuse_foreign
from .layout import SCHEME as LAYOUT
from .layout import LayoutArtifacts
from .object_artifacts import ObjectArtifacts
from .objects import ObjectStore
from .opening import open_objects, registry_at
from .pace import Pace

_REGISTRY = "oci"
# As tables show digests, or more of one.
_BEGINNING = re.compile(r"sha256:[0-9a-f]{12,63}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Reference:
    """`place` is a URL; `name` is a tag, an environment, a digest or the beginning of one, None where the text names
    the place alone."""

    place: str
    name: str | None

    @property
    def scheme(self) -> str:
        """What kind of place it is, in lower case."""
        return self.place.partition("://")[0].lower()

    @property
    def is_short(self) -> bool:
        """Whether the name is but the beginning of a digest."""
        return self.name is not None and _BEGINNING.fullmatch(self.name) is not None

    @property
    def is_tagged(self) -> bool:
        """Whether the place names bundles by tags, rather than environments by releases."""
        return self.scheme in (_REGISTRY, LAYOUT)

    def __str__(self) -> str:
        if self.name is None:
            return self.place
        if not self.is_tagged:
            return f"{self.place}#{self.name}"
        where, question, query = self.place.partition("?")
        return f"{where}{'@' if self.is_short or is_digest(self.name) else ':'}{self.name}{question}{query}"


def is_reference(text: str) -> bool:
    """Whether a text names a bundle, or a place of bundles alone: by its form, or as a folder that is there."""
    scheme, colon, _ = text.partition("://")
    if not colon:
        return is_layout(split_name(text)[0]) or _is_in_store(text)
    # What has another program's scheme is read as one, and refused with words for it.
    return scheme.lower() in (_REGISTRY, LAYOUT) or "#" in text or is_foreign(text)


def read_reference(text: str) -> Reference:
    """What a URL says, or `FOLDER` and `FOLDER:tag` of a folder in OCI's image layout.

    Raises ConfigurationError for a name that no tag, environment or digest can be, and for a bundle that is named in
    another program's way.
    """
    refuse_foreign(text)
    scheme, colon, rest = text.partition("://")
    if not colon:
        return _in_folder(text)
    if scheme.lower() not in (_REGISTRY, LAYOUT):
        place, mark, fragment = text.partition("#")
        return Reference(place, _checked(fragment, text) if mark else None)
    where, question, query = rest.partition("?")
    path, name = split_name(where)
    return Reference(f"{scheme.lower()}://{path}{question}{query}", None if name is None else _checked(name, text))


def folder_reference(text: str) -> Reference:
    """As `read_reference`; raises ConfigurationError too for what is no folder in OCI's image layout."""
    reference = read_reference(text)
    if reference.scheme != LAYOUT:
        raise ConfigurationError(
            f"wanted a folder such as ./bundles:production, got {shown_url(text)!r}; "
            "`burgee bundle copy` takes any two places"
        )
    return reference


def split_name(text: str) -> tuple[str, str | None]:
    """A path, and the tag behind its last part or the digest behind its `@`."""
    path, at, digits = text.partition("@sha256:")
    above, slash, last = path.rpartition("/")
    last, colon, tag = last.partition(":")
    name = f"sha256:{digits}" if at else tag if colon else None
    return above + slash + last, name


def open_artifacts(place: str, environ: Mapping[str, str], *, now: Callable[[], int]) -> Artifacts:
    """The artifacts at a place's URL, to be read and written; opens no connection. `now` is in milliseconds.

    Raises ConfigurationError for a URL that names no place, or for variables that are wrong.
    """
    match place.partition("://")[0]:
        case "oci":
            return registry_at(place, environ, pace=Pace())
        case "oci-layout":
            return LayoutArtifacts(_folder(place))
        case _:
            return ObjectArtifacts(ObjectStore(open_objects(place, environ=environ)), now=now)


def _in_folder(text: str) -> Reference:
    path, name = split_name(text)
    if not path or "\0" in text:
        raise ConfigurationError(f"a bundle is named as {EXAMPLES}, got {shown_url(text)!r}")
    if _is_in_store(text):
        folder, _, environment = text.partition("#")
        url = Path(folder).resolve().as_uri()
        raise ConfigurationError(f"{folder} is a store of burgee: write {url}#{environment}")
    url = LayoutArtifacts(Path(path).resolve()).url
    return Reference(url, None if name is None else _checked(name, text))


def _is_in_store(text: str) -> bool:
    """Whether a `#` follows a store's folder, where only URLs have one."""
    folder, mark, _ = text.partition("#")
    return bool(mark) and is_store(folder)


def _folder(place: str) -> Path:
    path = unquote(place.removeprefix(f"{LAYOUT}://"))
    if not path.startswith("/") or "\0" in path or "?" in place or "#" in place:
        raise ConfigurationError(
            f"{LAYOUT} URLs have an absolute path and no query, such as {LAYOUT}:///srv/bundles, "
            f"got {shown_url(place)!r}"
        )
    return Path(path)


def _checked(name: str, text: str) -> str:
    if is_digest(name) or _BEGINNING.fullmatch(name) or _TAG.fullmatch(name):
        return name
    raise ConfigurationError(
        f"wanted a tag, an environment or a digest such as sha256:<64 hex digits>, "
        f"got {shown_url(name)!r} in {shown_url(text)!r}"
    )
