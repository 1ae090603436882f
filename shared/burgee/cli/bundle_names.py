"""The names that bundles have in a place: tags of a registry or a folder, environments of a store."""

from __future__ import annotations

from collections.abc import Iterator

from ..bundle.digest import is_digest
from ..bundle.oci_artifacts import PROBE_TAG
from ..bundle.oci_records import INDEX_TAG, head_tag, release_tag
from ..core.errors import ConfigurationError, ContentError, Denied, InvalidRequest, NotFound, Unavailable
from ..deliver.bundles import Bundle, read_bundle
from ..store.artifacts import Artifacts
from ..store.reference import Reference
from .output import note

_MOST_SHOWN = 8


def named_bundles(source: Artifacts) -> Iterator[tuple[str, Bundle]]:
    """The bundles of a place by name; what has other contents, or no active release yet, is said."""
    odd = 0
    for name in source.tags():
        if is_record(name):
            continue
        try:
            yield name, read_bundle(source, name)
        except (ContentError, NotFound) as error:
            note(f"{name} is left out: {error}")
        except InvalidRequest:
            odd += 1
    if odd:
        note(f"left out: {odd} of the names that {source.url} lists, for they are none that a tag can have")


def bundle_in(source: Artifacts, reference: Reference, name: str) -> Bundle:
    """As `read_bundle`; where a registry has no such tag, NotFound says which ones there are."""
    try:
        return read_bundle(source, name)
    except NotFound as error:
        if reference.scheme != "oci" or is_digest(name):
            raise
        raise NotFound(f"no tag {name!r} in {source.url}, {_known(source, error)}") from error


def full_digest(source: Artifacts, reference: Reference) -> str:
    """The digest of the one bundle with a name that begins as a reference says. Raises ConfigurationError."""
    beginning = reference.name or ""
    found = {bundle.kept.digest for _, bundle in named_bundles(source) if bundle.kept.digest.startswith(beginning)}
    if len(found) == 1:
        return found.pop()
    raise ConfigurationError(
        f"{len(found) or 'no'} bundles with a name in {source.url} have a digest that begins with {beginning}; "
        "give all 64 digits, as --json shows them"
    )


def is_record(tag: str) -> bool:
    """Whether a tag is that of a head, a release or the index, of which a registry may have thousands."""
    environment, _, rest = tag.partition(".")
    try:
        is_release = rest.isdecimal() and tag == release_tag(environment, int(rest))
        return is_release or tag == head_tag(environment)
    except InvalidRequest:
        # No environment has such a name.
        return tag in (INDEX_TAG, PROBE_TAG)


def _known(source: Artifacts, missing: NotFound) -> str:
    """A few tags for whoever has named another one, environments first."""
    try:
        tags = source.tags()
    except (Denied, Unavailable):
        # Whoever may read a tag need not be allowed to list them.
        return str(missing)
    names = sorted((tag for tag in tags if not is_record(tag)), key=lambda tag: f"{tag}.head" not in tags)
    if not names:
        return "there is no bundle with a tag, or no such repository"
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"there are {', '.join(names[:_MOST_SHOWN])}{more}"
