"""Where a finding stands: the line and column of the deepest existing node along its path.

This is the slow path, for files that have something to report. A few findings are sought in the text of their own flag
or segment; for many, or others, the events of the whole file are read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml
from yaml.events import AliasEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from yaml.events import StreamEndEvent as StreamEnd

from .finding import TOO_MANY, Finding, Path
from .yaml_events import UNREADABLE, Starts, event_source

Position = tuple[int, int]
_Token = tuple[str, str, int, int]
_DOCUMENT, _MAPPING, _SEQUENCE, _SCALAR, _END = "document", "mapping", "sequence", "scalar", "end"
_YAML_KINDS = {
    DocumentStartEvent: _DOCUMENT,
    MappingStartEvent: _MAPPING,
    SequenceStartEvent: _SEQUENCE,
    ScalarEvent: _SCALAR,
    AliasEvent: _SCALAR,
    yaml.MappingEndEvent: _END,
    yaml.SequenceEndEvent: _END,
}
# A text that does not end is one token, as in strict_json.
_JSON_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z|\\)|[{}\[\]]|[^\s{}\[\]:,"]+')
_JSON_KINDS = {"{": _MAPPING, "[": _SEQUENCE, "}": _END, "]": _END}


# Beyond this, reading the file again is quicker.
_MOST_FRAGMENTS = 300


def locate(content: bytes, findings: Iterable[Finding], *, json: bool, starts: Starts | None = None) -> list[Finding]:
    """The findings with lines and columns; those that have a line, or mean the whole file, stay as they are."""
    found = list(findings)
    roots: dict[int, _Node] = {}
    items: set[tuple[int, str | int, int]] = set()
    for finding in found:
        if _needs_no_place(finding):
            continue
        roots.setdefault(finding.document, _Node()).descend(finding.path)
        items.add((finding.document, *_item_of(finding.path)))
    if not roots:
        return found
    text = content.decode("utf-8-sig", "replace")
    if json:
        _mark(_json_tokens(text), roots)
    elif len(items) > _MOST_FRAGMENTS or not starts or not items <= starts.keys():
        _mark(_yaml_tokens(text), roots)
    else:
        for item in sorted(items, key=str):
            _mark_fragment(text, starts, item, roots)
    return [_placed(finding, roots) for finding in found]


def _item_of(path: Path) -> tuple[str | int, int]:
    """Field and index of the flag or segment that a path goes through; `-1` when it goes through none."""
    return (path[0], path[1]) if len(path) > 1 and isinstance(path[1], int) else ("", -1)


def _mark_fragment(text: str, starts: Starts, item: tuple[int, str | int, int], roots: dict[int, _Node]) -> None:
    """Mark the nodes of one flag or segment, by reading its own text, put at its own column."""
    document, field, index = item
    line, column, offset = starts[item]
    following = starts.get((document, field, index + 1))
    fragment = " " * column + text[offset : following[2] if following else None]
    tokens = ((kind, word, line + at, place) for kind, word, at, place in _yaml_tokens(fragment))
    _mark(tokens, {0: roots[document].descend((field, index))[-1]})


# Findings about the file as bytes: no document of it was read.
_WHOLE_FILE = frozenset(
    ("file-too-large", "not-utf-8", "binary-file", "syntax", "nested-too-deep", "duplicate-key", TOO_MANY)
)


def _needs_no_place(finding: Finding) -> bool:
    return finding.line > 0 or (not finding.path and finding.code in _WHOLE_FILE)


class _Node:
    """A node that a finding's path goes through."""

    __slots__ = ("children", "key", "value")

    def __init__(self) -> None:
        self.children: dict[str | int, _Node] = {}
        self.key: Position | None = None
        self.value: Position | None = None

    def descend(self, path: Sequence[str | int]) -> list[_Node]:
        """The nodes from here to the end of `path`, made where they are missing."""
        nodes = [self]
        for step in path:
            nodes.append(nodes[-1].children.setdefault(step, _Node()))
        return nodes


def _placed(finding: Finding, roots: dict[int, _Node]) -> Finding:
    root = roots.get(finding.document)
    if root is None or _needs_no_place(finding):
        return finding
    nodes = root.descend(finding.path)
    if finding.on_key and nodes[-1].key:
        return finding.at(*nodes[-1].key)
    deepest = next((node.value for node in reversed(nodes) if node.value), (1, 1))
    return finding.at(*deepest)


class _Frame:
    """An open collection; `node` is None when no finding is below it."""

    __slots__ = ("child", "index", "is_key", "is_mapping", "last", "node")

    def __init__(self, node: _Node | None, *, is_mapping: bool) -> None:
        self.node = node
        self.is_mapping = is_mapping
        self.is_key = is_mapping
        self.index = 0
        self.child: _Node | None = None
        indices = () if node is None or is_mapping else [step for step in node.children if isinstance(step, int)]
        self.last = max(indices, default=-1)

    def is_past_its_last(self) -> bool:
        """Whether this is a list, and none of its further items is sought."""
        return not self.is_mapping and self.index > self.last

    def next(self) -> None:
        """Go on to the next key, value or item."""
        if self.is_mapping:
            self.is_key = not self.is_key
        self.index += 1


def _mark(tokens: Iterator[_Token], roots: dict[int, _Node]) -> None:
    """Note in the nodes where their keys and values begin, up to the last that is sought."""
    document, last = -1, max(roots)
    sought = {id(node) for root in roots.values() for node in root.children.values() or (root,)}
    frames: list[_Frame] = []
    for kind, word, line, column in tokens:
        if kind is _DOCUMENT:
            document += 1
            if document > last:
                return
            continue
        if kind is _END:
            if frames:
                sought.discard(id(frames.pop().node))
        else:
            node = _enter(frames, roots.get(document), kind, word, (line, column))
            if kind is not _SCALAR:
                frames.append(_Frame(node, is_mapping=kind is _MAPPING))
                continue
            sought.discard(id(node))
        if frames:
            frames[-1].next()
            if frames[-1].is_past_its_last():
                sought.discard(id(frames[-1].node))
            if not sought:
                return
        elif document == last:
            return


def _enter(frames: list[_Frame], root: _Node | None, kind: str, word: str, position: Position) -> _Node | None:
    if not frames:
        node = root
    elif frames[-1].is_key:
        frame = frames[-1]
        frame.child = frame.node.children.get(word) if frame.node and kind is _SCALAR else None
        if frame.child:
            frame.child.key = position
        return None
    elif frames[-1].is_mapping:
        node = frames[-1].child
    else:
        node = frames[-1].node.children.get(frames[-1].index) if frames[-1].node else None
    if node:
        node.value = position
    return node


def _yaml_tokens(text: str) -> Iterator[_Token]:
    get_event = event_source(text)
    try:
        while type(event := get_event()) is not StreamEnd:
            kind = _YAML_KINDS.get(type(event))
            if kind:
                mark: Any = event.start_mark
                yield kind, getattr(event, "value", ""), mark.line + 1, mark.column + 1
    except UNREADABLE:
        return  # the reading loop has reported it; what stands before it is located


def _json_tokens(text: str) -> Iterator[_Token]:
    yield _DOCUMENT, "", 1, 1
    line, at, begin = 1, 0, 0
    for token in _JSON_TOKEN.finditer(text):
        passed, at = at, token.start()
        line += text.count("\n", passed, at)
        begin = max(begin, text.rfind("\n", passed, at) + 1)
        word = token[0]
        column = at - begin + 1
        yield _JSON_KINDS.get(word, _SCALAR), _unquoted(word), line, column


def _unquoted(word: str) -> str:
    # Only plain keys matter: a key with escapes is unknown to every table, and its parent is near enough.
    return word[1:-1] if word.startswith('"') else word
