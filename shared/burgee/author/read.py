"""Bytes of one file to raw documents: plain dict, list, str, int, float, bool and None.

Law: whatever the bytes are, the answer is documents and findings, never an exception; work and memory are bounded by
the limits below. Only where each flag begins is kept: `locate` finds positions when there is something to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .fields import nodes_of
from .finding import Finding, Findings
from .strict_json import read_json
from .yaml_events import Starts, read_yaml

LARGEST_FILE = 10 * 1024 * 1024
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]|\\U0000[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: its raw documents in order, and what is wrong with it as a text.

    `starts` is what `locate` needs to be quick; it is empty for JSON.
    """

    documents: tuple[Any, ...]
    findings: tuple[Finding, ...] = ()
    starts: Starts = field(default_factory=dict)


def is_json(path: str) -> bool:
    """Whether the file is read as strict JSON; so are files without a suffix, which only an index can select."""
    return path.endswith(".json") or "." not in path.rpartition("/")[2]


def read(path: str, content: bytes) -> Reading:
    """The raw documents of a file. A document that cannot be read is left out, with a finding that says why."""
    if len(content) > LARGEST_FILE:
        size = f"{len(content) / 1024 / 1024:.1f} MiB"
        message = f"wanted a file of at most {LARGEST_FILE // 1024 // 1024} MiB, got {size}"
        hint = "split the flags over several files; files of one namespace merge"
        return Reading((), (Finding((), "file-too-large", message, hint),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Reading((), (_not_utf8(content, error),))
    if "\0" in text:
        return Reading((), (_binary(text),))
    documents, found, starts = (*read_json(text), {}) if is_json(path) else read_yaml(text)
    findings = Findings(found)
    if _SURROGATE_ESCAPE.search(content):
        findings.fill(_lone_surrogates(documents))
    return Reading(tuple(documents), tuple(findings.complete()), starts)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> Finding:
    # The decoder counts from behind the byte order mark.
    offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
    line = content.count(b"\n", 0, offset) + 1
    start = content.rfind(b"\n", 0, offset) + 1
    column = len(content[start:offset].decode("utf-8-sig", "replace")) + 1
    byte = f"0x{content[offset]:02x}" if offset < len(content) else "nothing"
    message = f"wanted UTF-8 text, got {byte} at byte offset {offset}"
    return Finding((), "not-utf-8", message, "save the file as UTF-8", line=line, column=column)


def _binary(text: str) -> Finding:
    at = text.index("\0")
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    message = f"wanted text, got a NUL character at offset {at}"
    return Finding((), "binary-file", message, "is this a flags file?", line=line, column=column)


def _lone_surrogates(documents: list[Any]) -> Iterator[Finding]:
    """Findings for texts that no UTF-8 can hold; those texts are never reached in a file without escapes."""
    for number, document in enumerate(documents):
        for path, value in nodes_of(document, ()):
            if isinstance(value, str) and not _is_encodable(value):
                message = "wanted Unicode text, got half of a surrogate pair"
                hint = "write the character itself, or both halves in JSON"
                yield Finding(path, "lone-surrogate", message, hint, document=number)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
