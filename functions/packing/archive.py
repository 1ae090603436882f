"""Zip archives whose bytes depend on names and contents alone.

Law: no clock, no umask, no zlib, which differs between machines. zopfli is one implementation wherever it runs; a file
that it cannot make smaller is stored.
Source: PKWARE APPNOTE 6.3, 4.3.7 (local headers), 4.3.12 (central directory), 4.3.16 (its end).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from burgee.core.errors import ConfigurationError

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_STORED, _DEFLATED = 0, 8
_VERSION = 20
_UNIX = 3 << 8
_UTF_8_NAME = 0x800
# Midnight of 1980-01-01, the first instant there is in a zip: time, then date.
_INSTANT = (0, 1 << 5 | 1)
# A file that its owner may write and all may read.
_MODE = 0o100644 << 16
# More rounds take longer than they are worth where a file is large: 0.1 % for twice the time.
_SMALL = 40_000
_ROUNDS_SMALL, _ROUNDS_LARGE = 15, 1


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of these contents by their paths. Raises ConfigurationError without zopfli."""
    names = sorted(files)
    squeeze = _squeezer()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        packed = list(threads.map(lambda name: squeeze(files[name]), names))
    members, directory, offset = [], [], 0
    for name, (method, content) in zip(names, packed, strict=True):
        encoded = name.encode()
        common = (
            *(0 if name.isascii() else _UTF_8_NAME, method, *_INSTANT),
            *(zlib.crc32(files[name]), len(content), len(files[name]), len(encoded), 0),
        )
        members.append(_LOCAL.pack(b"PK\3\4", _VERSION, *common) + encoded + content)
        directory.append(
            _CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, _VERSION, *common, 0, 0, 0, _MODE, offset) + encoded
        )
        offset += len(members[-1])
    listing = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(names), len(names), len(listing), offset, 0)
    return b"".join((*members, listing, end))


@cache
def _squeezer() -> Callable[[bytes], tuple[int, bytes]]:
    """What makes a method and bytes of a content; packages share many files, and each is compressed once."""
    try:
        from zopfli.zlib import compress  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigurationError(
            "packages are compressed by zopfli, which is not installed: pip install zopfli"
        ) from error

    @cache
    def squeeze(content: bytes) -> tuple[int, bytes]:
        rounds = _ROUNDS_SMALL if len(content) <= _SMALL else _ROUNDS_LARGE
        # Without the header of two bytes and the checksum of four that zlib's format has around it.
        deflated = compress(content, numiterations=rounds)[2:-4]
        return (_DEFLATED, deflated) if len(deflated) < len(content) else (_STORED, content)

    return squeeze
