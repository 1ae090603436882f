"""Compact JSON text, by writers that are made once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Chunks = Callable[[object, int], tuple[str, ...]]

# Filled at first use, so that importing this module does not import `json`.
_writers: dict[bool, Chunks] = {}
_text_writers: list[Callable[[str], str]] = []


def json_text(value: object, *, sort_keys: bool = False) -> str:
    """JSON without white space, text unescaped; keys in the order they have, or by code point.

    Raises ValueError for numbers that are not finite, TypeError for what JSON has no word for.
    """
    write = _writers.get(sort_keys) or _writers.setdefault(sort_keys, _writer(sort_keys=sort_keys))
    return "".join(write(value, 0))


def quoted(text: str) -> str:
    """A text as JSON, which is what `json_text` gives for it, in a third of the time. Raises TypeError for no text."""
    if not _text_writers:
        from json.encoder import encode_basestring

        _text_writers.append(encode_basestring)
    return _text_writers[0](text)


def _writer(*, sort_keys: bool) -> Chunks:
    from json import JSONEncoder, encoder

    standard = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)
    # What writes inside of CPython's JSONEncoder; that one makes it anew at every call, which takes as long as writing.
    make: Any = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, level: (standard.encode(value),)
    write: Chunks = make(None, standard.default, encoder.encode_basestring, None, ":", ",", sort_keys, False, False)
    return write
