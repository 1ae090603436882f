"""Entities and contexts that are not as usual, read as evaluation wants them."""

from __future__ import annotations

from ..core.context import NOBODY, text_of
from ..core.errors import InvalidContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Texts:
    """A context as the texts that constraints ask it for; what nobody asks for may be anything."""

    __slots__ = ("_get",)

    def __init__(self, context: Any) -> None:
        """None is the empty context. Raises InvalidContext for what maps no names to values."""
        try:
            self._get = ({} if context is None else context).get
        except AttributeError:
            raise InvalidContext(f"a context maps names to values, got {type(context).__name__}") from None

    def get(self, name: str, default: str = "") -> str:
        """The text of a property. Raises InvalidContext naming one that has none."""
        try:
            return text_of(self._get(name, default))
        except InvalidContext as error:
            raise InvalidContext(f"property {name!r}: {error}") from None


def all_texts(context: Mapping[str, object] | None) -> dict[str, str]:
    """The texts of every property that has one."""
    texts = {}
    for name, value in (context or {}).items():
        try:
            texts[name] = text_of(value)
        except InvalidContext:
            continue
    return texts


def entity_text(entity: object) -> str:
    """An entity id as text that has bytes: an integer is its digits, half a surrogate pair becomes U+FFFD.

    None is NOBODY: as a text, all who are not known would share one place in every percentage. Raises InvalidContext
    for what has no text.
    """
    if entity is None or entity is NOBODY:
        return NOBODY
    try:
        text = text_of(entity)
    except InvalidContext as error:
        raise InvalidContext(f"entity id: {error}") from None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
