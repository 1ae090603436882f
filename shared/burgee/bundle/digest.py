"""Digests and canonical JSON: same value, same bytes, same name."""

from __future__ import annotations

from hashlib import sha256

from ..core.errors import DigestMismatch, InvalidDocument
from ..core.json_text import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX = "sha256:"


def digest_of(content: bytes) -> str:
    """`sha256:` and 64 lower-case hexadecimal digits."""
    return _PREFIX + sha256(content).hexdigest()


def is_digest(text: object) -> bool:
    """Whether `text` is written as `digest_of` writes a digest."""
    if not isinstance(text, str) or not text.startswith(_PREFIX) or len(text) != len(_PREFIX) + 64:
        return False
    return not set(text[len(_PREFIX) :]) - set("0123456789abcdef")


def hex_of(digest: str) -> str:
    """The 64 digits of a digest, checked. Raises InvalidDocument for anything else: it becomes part of a path."""
    if not is_digest(digest):
        raise InvalidDocument(f"wanted a digest such as sha256:<64 hex digits>, got {digest!r}")
    return digest[len(_PREFIX) :]


def verify(content: bytes, digest: str) -> bytes:
    """`content` itself. Raises DigestMismatch when its digest is another one."""
    actual = digest_of(content)
    if actual != digest:
        raise DigestMismatch(f"wanted content with digest {digest}, got {len(content)} bytes with digest {actual}")
    return content


def canonical_json(value: object) -> str:
    """JSON without white space, keys by code point, text unescaped where both JSON and YAML can hold it.

    Flipt reads JSON with a YAML parser too, which refuses or folds U+007F to U+009F, U+2028, U+2029, U+FEFF, U+FFFE
    and U+FFFF; these are written as `\\uXXXX` with lower-case digits. Floats are written with the fewest digits that
    read back as the same binary64 (Python's `repr`).
    Raises InvalidDocument for numbers that are not finite.
    """
    return written(lambda: json_text(value, sort_keys=True))


def ordered_json(value: object) -> str:
    """As `canonical_json`, with keys in the order they have: for formats that fix the order themselves."""
    return written(lambda: json_text(value))


def written(write: Callable[[], str]) -> str:
    """The JSON that `write` gives, made safe for YAML readers as a whole: it may be put together from many pieces.

    Raises InvalidDocument for values that `json_text` refuses.
    """
    try:
        text = write()
    except (TypeError, ValueError) as error:
        raise InvalidDocument(f"value cannot be written as JSON: {error}") from error
    return text if text.isascii() and "\x7f" not in text else _yaml_safe(text)


def encode_text(text: str) -> bytes:
    """UTF-8. Raises InvalidDocument for lone surrogates, which no UTF-8 can hold."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidDocument(f"text holds a lone surrogate at position {error.start}") from error


def _yaml_safe(text: str) -> str:
    from re import compile as compile_pattern

    # Outside of strings JSON is ASCII, so whatever is found stands in one.
    pattern = compile_pattern("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
    return pattern.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
