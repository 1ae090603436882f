"""Sizes of stored blobs from their headers alone: what lets a reader refuse a huge file before it is in memory."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.object_store import BaseObjectStore, DiskObjectStore
from dulwich.objects import ObjectID, hex_to_sha

if TYPE_CHECKING:
    from dulwich.pack import Pack

_OFFSET_DELTA = 6
_DELTAS = (6, 7)


def stored_size(store: BaseObjectStore, name: ObjectID) -> int | None:
    """The size in bytes of a blob in a store on disk, from its header alone; None where it cannot be told."""
    if not isinstance(store, DiskObjectStore):
        return None
    for part in (store, *store.alternates):
        if isinstance(part, DiskObjectStore):
            size = _loose_size(part, name)
            size = _packed_size(part, name) if size is None else size
            if size is not None:
                return size
    return None


def _loose_size(store: DiskObjectStore, name: ObjectID) -> int | None:
    text = name.decode()
    path = Path(store.path) / text[:2] / text[2:]
    with suppress(OSError, ValueError, zlib.error), path.open("rb") as stream:
        head = zlib.decompressobj().decompress(stream.read(128), 64)
        return int(head.partition(b"\0")[0].partition(b" ")[2])
    return None


def _packed_size(store: DiskObjectStore, name: ObjectID) -> int | None:
    for pack in store.packs:
        with suppress(KeyError, OSError, ValueError, IndexError, zlib.error):
            return _size_in_pack(pack, name)
    return None


def _size_in_pack(pack: Pack, name: ObjectID) -> int:
    """The size an object of a pack has once it is whole (gitformat-pack: type and length, then deflated data).

    A delta begins with two lengths, of its base and of its result.
    """
    offset = pack.index.object_offset(hex_to_sha(name))
    with Path(pack.data.path).open("rb") as stream:
        stream.seek(offset)
        head = stream.read(512)
    kind = head[0] >> 4 & 7
    size, at = _length(head, 0, first_bits=4)
    if kind not in _DELTAS:
        return size
    if kind == _OFFSET_DELTA:
        while head[at] & 0x80:
            at += 1
        at += 1
    else:
        at += len(name) // 2
    delta = zlib.decompressobj().decompress(head[at:], 32)
    _, at = _length(delta, 0)
    return _length(delta, at)[0]


def _length(content: bytes, at: int, *, first_bits: int = 7) -> tuple[int, int]:
    byte = content[at]
    value, shift = byte & ((1 << first_bits) - 1), first_bits
    while byte & 0x80:
        at += 1
        byte = content[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, at + 1
