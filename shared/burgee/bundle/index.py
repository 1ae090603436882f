"""`environments/index.json`: which environments a store has, for those who may not parse YAML."""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import InvalidDocument
from .digest import encode_text, ordered_json
from .release import check_format, loads_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1

Listed = namedtuple("Listed", "ref default")
Listed.__doc__ = "An environment as listed: the branch it follows, and whether it is the default."


class Index(namedtuple("Index", "repository environments")):
    """`repository` is the one the store belongs to; `environments` maps a name to Listed."""

    __slots__ = ()

    @property
    def default(self) -> str | None:
        """The name of the default environment, or None when the store has none."""
        return next((name for name, listed in self.environments.items() if listed.default), None)


def encode_index(repository: str, environments: Mapping[str, Listed]) -> bytes:
    """The index's bytes, environments by name."""
    listed = {name: {"ref": ref, "default": default} for name, (ref, default) in sorted(environments.items())}
    return encode_text(ordered_json({"format": FORMAT, "repository": repository, "environments": listed})) + b"\n"


def decode_index(content: bytes) -> Index:
    """Raises InvalidDocument for what is not an index."""
    fields = loads_object(content, "environment index")
    check_format(fields, FORMAT, "environment index")
    try:
        environments = {
            name: Listed(listed["ref"], bool(listed["default"])) for name, listed in fields["environments"].items()
        }
        return Index(fields["repository"], environments)
    except (LookupError, TypeError, AttributeError) as error:
        raise InvalidDocument(f"environment index lacks a field or has one of the wrong kind: {error!r}") from error
