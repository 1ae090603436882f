"""The two notations that Terraform and a provider speak: protocol buffers for calls, MessagePack for values.

Only what the calls in tests/servers/terraform_provider.py need. Values are Python's; UNKNOWN is a value that will be
known once a change is applied.
"""

from __future__ import annotations

import struct
from typing import Any, Final


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
Fields = dict[int, list[Any]]


def message(*fields: tuple[int, Any]) -> bytes:
    """A message of numbered fields: bytes and text as they are, numbers and truths as varints; None is left out."""
    out = bytearray()
    for number, value in fields:
        if value is None or value is False:
            continue
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
            continue
        content = value.encode() if isinstance(value, str) else value
        out += _varint(number << 3 | 2) + _varint(len(content)) + content
    return bytes(out)


def fields_of(content: bytes) -> Fields:
    """The fields of a message by number; those of the same number in their order."""
    found: Fields = {}
    at = 0
    while at < len(content):
        tag, at = _read_varint(content, at)
        if tag & 7 == 0:
            value: Any
            value, at = _read_varint(content, at)
        else:
            size, at = (8 if tag & 7 == 1 else 4, at) if tag & 7 in (1, 5) else _read_varint(content, at)
            value, at = content[at : at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def packed(value: Any) -> bytes:
    """A value in MessagePack, as Terraform reads it."""
    if value is UNKNOWN:
        return b"\xd4\x00\x00"
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        content = value.encode()
        return b"\xdb" + struct.pack(">I", len(content)) + content
    if isinstance(value, dict):
        pairs = b"".join(packed(key) + packed(item) for key, item in value.items())
        return b"\xdf" + struct.pack(">I", len(value)) + pairs
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(packed, value))


def unpacked(content: bytes) -> Any:
    """The value that is written there in MessagePack."""
    return _unpack(content, 0)[0]


_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {
    0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xC4: ">B", 0xC5: ">H", 0xC6: ">I",
    0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I", 0xC7: ">B", 0xC8: ">H", 0xC9: ">I",
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def _unpack(content: bytes, at: int) -> tuple[Any, int]:
    mark = content[at]
    at += 1
    if mark in _CONSTANTS:
        return _CONSTANTS[mark], at
    if mark < 0x80 or mark >= 0xE0:
        return (mark if mark < 0x80 else mark - 256), at
    if mark in _NUMBERS:
        size = struct.calcsize(_NUMBERS[mark])
        return struct.unpack(_NUMBERS[mark], content[at : at + size])[0], at + size
    if 0xD4 <= mark <= 0xD8:
        return UNKNOWN, at + 1 + (1 << (mark - 0xD4))
    if mark in _LENGTHS:
        width = struct.calcsize(_LENGTHS[mark])
        length = struct.unpack(_LENGTHS[mark], content[at : at + width])[0]
        at += width
    else:
        length = mark & 0x1F if 0xA0 <= mark < 0xC0 else mark & 0x0F
    if 0xC7 <= mark <= 0xC9:
        return UNKNOWN, at + 1 + length
    if mark in (0xDC, 0xDD) or 0x90 <= mark < 0xA0:
        return _unpack_many(content, at, length)
    if mark in (0xDE, 0xDF) or 0x80 <= mark < 0x90:
        flat, at = _unpack_many(content, at, 2 * length)
        return dict(zip(flat[::2], flat[1::2], strict=True)), at
    text = content[at : at + length]
    return (text.decode() if mark not in (0xC4, 0xC5, 0xC6) else text), at + length


def _unpack_many(content: bytes, at: int, count: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _unpack(content, at)
        items.append(item)
    return items, at
