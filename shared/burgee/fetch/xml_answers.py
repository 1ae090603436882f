"""What services of clouds say in XML, read without an XML library: single elements of one line of text."""

from __future__ import annotations

from collections import namedtuple

from ..core.visible import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connections import Reply

# Ampersands last, or `&amp;lt;` would become a bracket.
_ESCAPES = (
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", '"'),
    ("&apos;", "'"),
    ("&#34;", '"'),
    ("&#39;", "'"),
    ("&amp;", "&"),
)


class Refusal(namedtuple("Refusal", "status reason code message")):
    """An answer that is an error; `code` and `message` are empty when it does not say."""

    __slots__ = ()

    def __str__(self) -> str:
        """As `403 AccessDenied: Access Denied`, or `403 Forbidden` when it says no more."""
        message = f": {self.message}" if self.message else ""
        return f"{self.status} {self.code or self.reason}{message}"


def refusal_of(reply: Reply) -> Refusal:
    """What an error says of itself, ready to be shown."""
    code, message = (shortened(element(reply.content, name)) for name in ("Code", "Message"))
    return Refusal(reply.status, shortened(reply.reason), code, message.rstrip("."))


def element(content: bytes, name: str) -> str:
    """The text of the first element of that name, empty when there is none."""
    text = content.decode("utf-8", "replace").partition(f"<{name}>")[2]
    text, closed, _ = text.partition(f"</{name}>")
    if not closed:
        return ""
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text.strip()
