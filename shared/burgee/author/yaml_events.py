"""YAML text to raw documents, built on the parser's event stream (libyaml's when it is there).

Law: no recursion, no positions, every plain scalar resolved once. Alias bombs and deep nesting are refused.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from .finding import MOST_FINDINGS, Finding, Findings, TooManyProblems
from .scalars import Merge, Scalars, Timestamp
from .strict_json import DEEPEST

LARGEST_EXPANSION = 500_000
MOST_DOCUMENTS = 1000
# Beyond this the file is read again for positions, which takes less memory.
_MOST_STARTS = 100_000
_ITEM_DEPTH = 3
_ABSENT: Any = object()
_TAG = "tag:yaml.org,2002:"
_COLLECTION_TAGS = frozenset((None, "!", _TAG + "map", _TAG + "seq"))
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "float": (float, int),
    "int": (int,),
    "null": (type(None),),
    "timestamp": (Timestamp,),
}


# By document, field (`flags`) and index: line and column (from 0) and character offset of each object in a list of the
# document. Enough to find a position without reading the whole file again.
Starts = dict[tuple[int, Any, int], tuple[int, int, int]]

# The pure Python parser lets chr() complain of an escape beyond Unicode.
UNREADABLE = (yaml.YAMLError, ValueError, OverflowError)


class _StopReading(Exception):
    """The rest of the file cannot be read; a finding says why."""


def event_source(text: str) -> Callable[[], Event]:
    """The function that gives the text's next event; it raises yaml.YAMLError at a syntax error."""
    parser: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    get_event: Callable[[], Event] = parser(text).get_event
    return get_event


def read_yaml(text: str) -> tuple[list[Any], list[Finding], Starts]:
    """The documents that could be read, what is wrong with the text, and where flags and segments begin."""
    builder = _Builder()
    try:
        builder.build(event_source(text))
    except (_StopReading, TooManyProblems):
        pass  # a finding tells
    except UNREADABLE as error:
        builder.findings.fill([_syntax(error, text)])
    if builder.scalars.non_finite:
        builder.findings.fill(_non_finite(text, builder.scalars.non_finite))
    return builder.documents, builder.findings.complete(), builder.starts


class _Builder:
    """State of one file: documents so far, anchors of the present document, findings."""

    __slots__ = ("_anchors", "_budget", "_merges", "_odd", "_weights", "documents", "findings", "scalars", "starts")

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self.findings = Findings()
        self.scalars = Scalars()
        self.starts: Starts = {}
        self._anchors: dict[str, Any] = {}
        # By identity of a collection: what it weighs when repeated, and the mappings that `<<` merges into it.
        self._weights: dict[int, int] = {}
        self._merges: dict[int, list[dict[str, Any]]] = {}
        self._budget = LARGEST_EXPANSION
        self._odd = 0

    def build(self, get_event: Callable[[], Event]) -> None:
        """Read events to the end.

        One long loop on purpose: it runs once for each scalar of the file and is most of the time a publish takes.
        `here` is the open collection, `key` the mapping key that waits for its value, `anchor` the name of `here`;
        `frames` keeps those of the collections around it.
        """
        scalars = self.scalars
        frames: list[tuple[Any, Any, str | None]] = []
        here: Any = None
        key: Any = _ABSENT
        anchor: str | None = None
        while True:
            event: Any = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                value = event.value
                if event.implicit[0]:
                    value = scalars[value]
                elif event.tag is not None and event.tag != "!":
                    value = self._tagged(event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = value
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                frames.append((here, key, anchor))
                here = {} if kind is MappingStartEvent else []
                key, anchor = _ABSENT, event.anchor
                if len(frames) == _ITEM_DEPTH and type(frames[-1][0]) is list and len(self.starts) < _MOST_STARTS:
                    mark = event.start_mark
                    place = (len(self.documents), frames[1][1], len(frames[-1][0]))
                    self.starts[place] = (mark.line, mark.column, mark.index)
                if event.tag not in _COLLECTION_TAGS or len(frames) > DEEPEST:
                    self._refuse_collection(event)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = here
                if self._merges:
                    self._fill(here)
                if anchor is not None:
                    self._anchors[anchor] = here
                here, key, anchor = frames.pop()
            elif kind is AliasEvent:
                value = self._repeat(event)
            elif kind is DocumentStartEvent:
                self._anchors, self._weights = {}, {}
                if len(self.documents) == MOST_DOCUMENTS:
                    self._refuse_document(event)
                continue
            elif kind is StreamEndEvent:
                return
            else:
                continue

            if key is not _ABSENT:
                if type(key) is Merge:
                    self._merge(event, here, value)
                else:
                    here[key] = value
                key = _ABSENT
            elif type(here) is dict:
                key = value if type(value) is str else self._odd_key(event, here, value)
                if key in here:
                    self._report(event, "duplicate-key", f"wanted every key once, got '{key[:60]}' again")
            elif here is None:
                self.documents.append(value)
            else:
                here.append(value)
                if len(frames) == _ITEM_DEPTH - 1 and (type(value) is not dict or not value):
                    self._note_odd_item(event, frames[-1][1])

    def _report(self, event: Any, code: str, message: str, hint: str = "") -> None:
        mark = event.start_mark
        number = len(self.documents)
        finding = Finding((), code, message, hint, document=number, line=mark.line + 1, column=mark.column + 1)
        self.findings.append(finding)

    def _refuse_collection(self, event: Any) -> None:
        if event.tag not in _COLLECTION_TAGS:
            self._report(event, "unsupported-tag", f"wanted plain YAML, got the tag {event.tag[:60]}", "remove the tag")
            return
        message = f"wanted at most {DEEPEST} levels of nesting, got more"
        self._report(event, "nested-too-deep", message, "flatten the attachment")
        raise _StopReading

    def _refuse_document(self, event: Any) -> None:
        message = f"wanted at most {MOST_DOCUMENTS} documents in a file, got more"
        self._report(event, "too-many-documents", message, "split them over several files, or put them together")
        raise _StopReading

    def _note_odd_item(self, event: Any, field: Any) -> None:
        """Stop early at a list that cannot be one of flags or segments: it may have millions of items."""
        if field not in ("flags", "segments"):
            return
        self._odd += 1
        if self._odd > MOST_FINDINGS:
            message = f"wanted {field} as mappings with a key, got more than {MOST_FINDINGS} other items"
            self._report(event, "wrong-type", message)
            raise _StopReading

    def _odd_key(self, event: Any, here: dict[str, Any], value: Any) -> str:
        """The key to go on with, in place of one that is not plain text."""
        if type(value) is not Merge:
            written = getattr(event, "value", "a collection")
            message = f"wanted text as a key, got {written[:60] or 'nothing'}"
            self._report(event, "key-not-text", message, "quote the key")
            return str(written)
        if id(here) in self._merges:
            self._report(event, "duplicate-key", "wanted every key once, got '<<' again", "merge a list of mappings")
        return value

    def _merge(self, event: Any, here: dict[str, Any], value: Any) -> None:
        merged = value if type(value) is list else [value]
        if not all(type(mapping) is dict for mapping in merged):
            self._report(event, "bad-merge", "wanted a mapping or a list of mappings after '<<', got something else")
            return
        self._merges.setdefault(id(here), []).extend(merged)

    def _fill(self, here: Any) -> None:
        """Add the merged keys: written ones go before merged ones, and earlier merged mappings before later ones."""
        for mapping in self._merges.pop(id(here), ()):
            for key, value in mapping.items():
                here.setdefault(key, value)

    def _repeat(self, event: Any) -> Any:
        """What an alias stands for; repeating is limited, because aliases of aliases grow without bound."""
        if event.anchor not in self._anchors:
            message = f"wanted the name of an earlier, complete anchor, got '*{event.anchor[:60]}'"
            self._report(event, "unknown-alias", message)
            raise _StopReading
        value = self._anchors[event.anchor]
        self._budget -= self._weigh(value)
        if self._budget < 0:
            message = f"wanted aliases to repeat at most {LARGEST_EXPANSION} values, got more"
            self._report(event, "too-many-aliases", message, "write the values out, or keep them smaller")
            raise _StopReading
        return value

    def _weigh(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value) // 32
        if type(value) is not dict and type(value) is not list:
            return 1
        weight = self._weights.get(id(value))
        if weight is None:
            children = [*value, *value.values()] if type(value) is dict else value
            weight = self._weights[id(value)] = 1 + sum(map(self._weigh, children))
        return weight

    def _tagged(self, event: Any) -> Any:
        """The meaning of a scalar with a tag of its own."""
        kind = event.tag.removeprefix(_TAG)
        if kind == "str":
            return event.value
        if kind == "binary":
            return self._binary(event)
        value = self.scalars[event.value]
        if kind in _SCALAR_TAGS and type(value) in _SCALAR_TAGS[kind]:
            return value
        if kind in _SCALAR_TAGS:
            self._report(event, "unsupported-tag", f"wanted a value that fits its tag, got !!{kind} on other text")
        else:
            self._report(event, "unsupported-tag", f"wanted plain YAML, got the tag {event.tag[:60]}", "remove the tag")
        return event.value

    def _binary(self, event: Any) -> str:
        try:
            return b64decode("".join(event.value.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            self._report(event, "unsupported-tag", "wanted base64 of UTF-8 text after !!binary, got something else")
            return ""


def _syntax(error: Exception, text: str) -> Finding:
    conflict = _conflict_line(text)
    if conflict:
        message = "a Git merge conflict is left in the file"
        return Finding((), "syntax", message, "keep one side and remove the marks", line=conflict, column=1)
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "an impossible escape"
    begun: Any = getattr(error, "context_mark", None)
    context = getattr(error, "context", None)
    where = f" ({context} that began in line {begun.line + 1})" if begun and context else ""
    hint = _SYNTAX_HINTS.get(problem, "check indentation, quotes and brackets")
    return Finding((), "syntax", f"this is not YAML: {problem}{where}", hint, line=line, column=column)


def _conflict_line(text: str) -> int:
    """The line of the first mark that a merge left, 0 without one."""
    at = 0 if text.startswith("<<<<<<< ") else text.find("\n<<<<<<< ") + 1
    return text.count("\n", 0, at) + 1 if at or text.startswith("<<<<<<< ") else 0


_SYNTAX_HINTS = {
    "mapping values are not allowed in this context": "quote a text that holds ': '",
    "could not find expected ':'": "a key is followed by ':' and a space",
}


def _non_finite(text: str, words: set[str]) -> Iterator[Finding]:
    """Where the words stand: the loop above keeps no positions of scalars."""
    get_event = event_source(text)
    try:
        while type(event := get_event()) is not StreamEndEvent:
            if type(event) is ScalarEvent and event.implicit[0] and event.value in words:
                yield _no_number(event)
    except UNREADABLE:
        pass  # already reported by the reading loop


def _no_number(event: Any) -> Finding:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    message = f"wanted a finite number, got {event.value[:40]}"
    return Finding((), "non-finite-number", message, "quote it if it is text", line=line, column=column)
