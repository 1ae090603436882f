"""What authoring keeps for the next time: parsed files, merged namespaces, and places of findings.

Law: what is kept is known by all it was made of, so a build with it and one from nothing give the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from ..core.errors import TooLarge
from .finding import Finding
from .kept import Kept
from .locate import locate
from .merge import MergedNamespaces
from .parsed import NamedFile, ParsedFile, parse_file
from .read import is_json

# Bytes of memory that a finding takes, more or less.
_FINDING_SIZE = 500


class File(Protocol):
    """A file to be read, at the latest when its content is asked for.

    `path` is relative to the repository root; `blob` names the content as Git does, or is None where that is unknown.
    """

    @property
    def path(self) -> str: ...

    @property
    def blob(self) -> str | None: ...

    @property
    def content(self) -> bytes:
        """Raises TooLarge instead of reading more than its source allows."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that has been read."""

    path: str
    content: bytes
    blob: str | None = None


class ParsedFiles:
    """Files that were parsed, and what was made of them, the least recently used forgotten first.

    `limit` is in bytes of content; a parsed file takes some ten times as much memory. Safe among threads.
    """

    __slots__ = ("_files", "_places", "namespaces")

    def __init__(self, *, limit: int = 32 * 1024 * 1024) -> None:
        self._files: Kept[str, ParsedFile] = Kept(limit)
        self._places: Kept[tuple[str, tuple[Finding, ...]], list[Finding]] = Kept(limit)
        self.namespaces: MergedNamespaces = Kept(limit)

    def parse(self, file: File) -> NamedFile:
        """The file, read, checked and normalised unless the same content was before; its findings are located."""
        try:
            name = _name_of(file)
            parsed = self._files.get(name)
            if parsed is None:
                parsed = parse_file(file.path, file.content)
                self._files.keep(name, parsed, size=parsed.size)
        except TooLarge as error:
            return NamedFile(file.path, "", _too_large(error))
        return NamedFile(file.path, name, parsed)

    def located(self, file: File, parsed: NamedFile, findings: Iterable[Finding]) -> list[Finding]:
        """Further findings about a file, with their lines and columns."""
        key = (parsed.name, tuple(findings))
        found = self._places.get(key)
        if found is None:
            found = locate(file.content, key[1], json=is_json(file.path), starts=parsed.parsed.starts)
            self._places.keep(key, found, size=_FINDING_SIZE * len(found))
        return found


def _name_of(file: File) -> str:
    """What tells apart files that are parsed to something else."""
    return f"{file.blob or sha256(file.content).hexdigest()}{' as JSON' if is_json(file.path) else ''}"


def _too_large(error: TooLarge) -> ParsedFile:
    return ParsedFile({}, (Finding((), "file-too-large", str(error), "split it"),), {}, 0)
