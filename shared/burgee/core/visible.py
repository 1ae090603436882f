"""Texts of other people, shown on one line: nothing in them moves a cursor, forges a line or turns writing around."""

from __future__ import annotations

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_SEPARATORS_AND_DIRECTIONS = (
    *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x2070),
)
_SHOWN = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _SEPARATORS_AND_DIRECTIONS},
}
_LONGEST = 300


def visible(text: str) -> str:
    """`text` with control characters, line and paragraph separators and directions of writing written as escapes."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def shortened(text: str) -> str:
    """`text`, visible, and no more of it than anybody reads."""
    return visible(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")
