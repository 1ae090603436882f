"""The document: one namespace's flags and segments as canonical JSON, one object per line.

Law: the bytes depend on content alone, and are a valid Flipt features document.

    {"version":"1.4","namespace":"default","flags":[
    {"key":"a","name":"A"},
    {"key":"b","name":"B"}
    ],"segments":[
    {"key":"s","match_type":"ALL_MATCH_TYPE","name":"S"}
    ]}

Keys hold no character that JSON escapes, and every character they may hold sorts after the quotation mark; so sorted
keys are sorted lines, and a reader finds a flag by bisection without parsing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, count
from operator import add, itemgetter

from ..core.errors import InvalidDocument
from ..core.json_text import json_text, quoted
from ..core.schedule import SCHEDULE, is_scheduled, next_step
from .digest import encode_text, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    Keeping = Callable[[Callable[..., str]], Callable[..., str]]

_SEPARATOR = b'\n],"segments":[\n'
_END = b"\n]}\n"
_KEY = b'{"key":"'
_SCHEDULED = b'"%b":' % SCHEDULE.encode()
_BLOCK_BYTES = 128 * 1024
_key_of = itemgetter("key")


def encode(document: Mapping[str, Any], keeping: Keeping = lambda write: write) -> bytes:
    """The canonical bytes of a document in normal form.

    Normal form: `namespace` (text, or an object when it has a name or description), `version`, and lists `flags` and
    `segments` whose objects leave out defaults (see docs/formats.md). Order of keys, flags, segments and variants is
    made here; all other order is kept. `keeping` gets what writes a flag or a segment, and may give one that remembers
    what it wrote. Raises InvalidDocument for what canonical JSON cannot hold.
    """
    return encode_text(written(lambda: _write(document, keeping)))


class Document:
    """An indexed document; a flag is parsed when it is asked for.

    `namespace` is the key; `name` and `description` are texts, empty when absent.
    """

    __slots__ = ("_flags", "_scheduled", "_segments", "content", "description", "name", "namespace", "version")

    def __init__(self, content: bytes) -> None:
        """Raises InvalidDocument when `content` has not the layout above."""
        from json import loads

        self.content = content
        head_end = content.find(b"\n")
        # Up to the newline of the head, so that an empty list of flags is found too.
        separator = content.find(_SEPARATOR, max(head_end, 0))
        if head_end < 0 or separator < 0 or not content.startswith(b"{") or not content.endswith(_END):
            raise InvalidDocument("document is not in burgee's line format")
        try:
            head = loads(content[:head_end] + b"]}")
            namespace = head.get("namespace", "default")
            named = namespace if isinstance(namespace, dict) else {"key": namespace}
            described = [named["key"], named.get("name", ""), named.get("description", "")]
        except (ValueError, KeyError, RecursionError) as error:
            raise InvalidDocument(f"document has an unreadable first line: {error}") from error
        if not all(isinstance(text, str) for text in described):
            raise InvalidDocument("document's namespace has a key, name or description that is not a text")
        self.version = head.get("version", "")
        self.namespace: str
        self.name: str
        self.description: str
        self.namespace, self.name, self.description = described
        self._flags = _Lines(content, head_end + 1, separator)
        self._scheduled: tuple[dict[str, Any], ...] | None = None
        self._segments = _Lines(content, separator + len(_SEPARATOR), len(content) - len(_END))

    def flag(self, key: str) -> dict[str, Any] | None:
        """The flag of that key in normal form, or None."""
        return self._flags.find(key)

    def segment(self, key: str) -> dict[str, Any] | None:
        """The segment of that key in normal form, or None."""
        return self._segments.find(key)

    def flag_keys(self) -> list[str]:
        """Keys of all flags, sorted."""
        return self._flags.keys()

    def segment_keys(self) -> list[str]:
        """Keys of all segments, sorted."""
        return self._segments.keys()

    def scheduled(self) -> tuple[str, ...]:
        """Keys of the flags that have a schedule, sorted; no other flag is parsed."""
        return tuple(flag["key"] for flag in self._with_schedule())

    def next_step(self, at: int) -> int | None:
        """The first instant after `at` (milliseconds) at which a flag's schedule goes on; None if none does.

        Raises InvalidDocument for a schedule that cannot be understood.
        """
        steps = [next_step(flag, at) for flag in self._with_schedule()]
        return min((step for step in steps if step is not None), default=None)

    def flag_lines(self) -> dict[str, bytes]:
        """Each flag's canonical JSON by key; two documents have the same flag where these are equal."""
        return self._flags.by_key()

    def segment_lines(self) -> dict[str, bytes]:
        """Each segment's canonical JSON by key."""
        return self._segments.by_key()

    def flags(self) -> Iterator[dict[str, Any]]:
        """All flags by key."""
        return self._flags.objects()

    def segments(self) -> Iterator[dict[str, Any]]:
        """All segments by key."""
        return self._segments.objects()

    def _with_schedule(self) -> tuple[dict[str, Any], ...]:
        if self._scheduled is None:
            # Whatever else may have these bytes, as an attachment with such a field.
            self._scheduled = tuple(filter(is_scheduled, self._flags.having(_SCHEDULED)))
        return self._scheduled


class _Lines:
    """Where the lines of one block begin: a document is held as the bytes it came as, and once."""

    __slots__ = ("_content", "_starts")

    def __init__(self, content: bytes, first: int, end: int) -> None:
        self._content = content
        # Each line's start, and where one after the last would have its own.
        self._starts = [first]
        last = b""
        for block in _blocks(content, first, end):
            lines = [last, *block.split(b"\n")]
            if lines != sorted(lines):
                raise InvalidDocument("document's lines are not sorted by key")
            last = lines.pop()
            lengths = accumulate(map(len, (*lines[1:], last)), initial=self._starts.pop())
            self._starts += map(add, lengths, count())
        # Lines are sorted: when the first and the last begin so, all do.
        if last and not (content.startswith(_KEY, first) and last.startswith(_KEY)):
            raise InvalidDocument("document has a line that does not begin with a key")

    def find(self, key: str) -> dict[str, Any] | None:
        if '"' in key:
            # No key holds one, and with it the search would look past the key.
            return None
        from json import loads

        wanted = _KEY + key.encode("utf-8", "replace") + b'"'
        content, size = self._content, len(wanted)
        place = bisect_left(
            self._starts, wanted, hi=len(self._starts) - 1, key=lambda start: content[start : start + size]
        )
        if place == len(self._starts) - 1 or not content.startswith(wanted, self._starts[place]):
            return None
        found: dict[str, Any] = loads(self._line(place))
        return found

    def keys(self) -> list[str]:
        first = len(_KEY)
        return [
            self._content[start + first : self._content.index(b'"', start + first)].decode()
            for start in self._starts[:-1]
        ]

    def by_key(self) -> dict[str, bytes]:
        return {key: self._line(place) for place, key in enumerate(self.keys())}

    def objects(self) -> Iterator[dict[str, Any]]:
        from json import loads

        return iter(loads(b"[" + self._content[self._starts[0] : self._starts[-1] - 1] + b"]"))

    def having(self, text: bytes) -> Iterator[dict[str, Any]]:
        """The objects whose lines have that text in them."""
        from json import loads

        end = self._starts[-1]
        at = self._content.find(text, self._starts[0], end)
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            yield loads(self._line(place))
            at = self._content.find(text, self._starts[place + 1], end)

    def _line(self, place: int) -> bytes:
        return self._content[self._starts[place] : self._starts[place + 1] - 1].removesuffix(b",")


def _blocks(content: bytes, first: int, end: int) -> Iterator[bytes]:
    """The lines from `first` to `end` in blocks: as one they would take the memory of a second document for a while.

    Only 0x0A ends a line: splitlines() would also split inside texts, at U+0085 and its like.
    """
    while first < end:
        stop = content.find(b"\n", first + _BLOCK_BYTES, end)
        if stop < 0:
            stop = end
        yield content[first:stop]
        first = stop + 1


def _write(document: Mapping[str, Any], keeping: Keeping) -> str:
    version, namespace = _sorted_json(document.get("version", "1.4")), _sorted_json(document["namespace"])
    flags = _lines(keeping(_flag_line), document.get("flags", ()))
    segments = _lines(keeping(_keyed_line), document.get("segments", ()))
    return f'{{"version":{version},"namespace":{namespace},"flags":[\n{flags}],"segments":[\n{segments}]}}\n'


def _lines(line: Any, objects: Any) -> str:
    text = ",\n".join(map(line, sorted(objects, key=_key_of)))
    return text and text + "\n"


def _flag_line(flag: Mapping[str, Any]) -> str:
    variants = flag.get("variants")
    if not variants:
        return _keyed_line(flag)
    before = {name: value for name, value in flag.items() if name < "variants" and name != "key"}
    after = {name: value for name, value in flag.items() if name > "variants"}
    ordered = ",".join(map(_keyed_line, sorted(variants, key=_key_of)))
    text = f'{_keyed(flag["key"], before)[:-1]},"variants":[{ordered}]'
    return f"{text},{_sorted_json(after)[1:]}" if after else text + "}"


def _keyed_line(keyed: Mapping[str, Any]) -> str:
    return _keyed(keyed["key"], {name: value for name, value in keyed.items() if name != "key"})


def _keyed(key: str, rest: dict[str, Any]) -> str:
    text = f'{{"key":{quoted(key)}'
    return f"{text},{_sorted_json(rest)[1:]}" if rest else text + "}"


def _sorted_json(value: object) -> str:
    return json_text(value, sort_keys=True)
