"""Names of files as Git keeps them (bytes) and as burgee shows them (text).

Law: the text of a name is one printable line and can be turned back. UTF-8 stays as it is; a backslash is
written `\\\\`; control characters, line separators and bytes that are not UTF-8 are written `\\xNN`, byte by byte.
"""

from __future__ import annotations

import re

_BARE = re.compile(rb"[ -\[\]-~]+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\udc80-\udcff]")
_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def name_text(name: bytes) -> str:
    """The text that shows `name`: `caf\\xc3\\xa9` is `café`, a newline is the four characters `\\x0a`."""
    if _BARE.fullmatch(name):
        return name.decode("ascii")
    return _UNPRINTABLE.sub(_escape, name.decode("utf-8", "surrogateescape"))


def line_text(content: bytes) -> str:
    """`content` as one printable line, for people: escaped as a name is, but a backslash stays single."""
    return name_text(content).replace("\\\\", "\\")


def name_bytes(text: str) -> bytes:
    """The bytes that `name_text` showed as `text`."""
    return _ESCAPE.sub(_unescape, text.encode())


def is_plain(name: bytes) -> bool:
    """Whether Git would check out a file of this name (one component): no `/`, and not empty, `.`, `..` or `.git`."""
    return name not in (b"", b".", b"..") and b"/" not in name and b"\x00" not in name and name.lower() != b".git"


def _escape(match: re.Match[str]) -> str:
    if match[0] == "\\":
        return "\\\\"
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescape(match: re.Match[bytes]) -> bytes:
    return b"\\" if match[1] == b"\\" else bytes([int(match[1][1:], 16)])
