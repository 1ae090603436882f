"""Answers as JSON text, joined from pieces: what an outcome always says is written once and found again by identity.

Law: joined pieces are what `json.dumps` would write. Evaluation has built its outcomes beforehand, so the same outcome
is the same object; each piece holds its outcome, so that no other object can come to have its identity; and what is
kept is bounded, for some outcomes are built anew each time.

Sources: Flipt semantics 3.2 (fields and their order), 2.12 (timestamps) and 3.4 (OFREP).
"""

from __future__ import annotations

from ..core.instant import format_instant
from ..core.json_text import quoted
from ..core.model import DEFAULT, FLAG_DISABLED, MATCH, BooleanResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import TypeAlias

    from ..core.compile import Result
    from ..core.model import VariantResult
    from ..fetch.live import Serving

    # The outcome, and its text before and after what changes from answer to answer.
    Piece: TypeAlias = tuple[Result, str, str]

# A flag has two to five outcomes. Past this many all pieces are forgotten, and written again when they are asked for.
_MOST_KEPT = 30_000

_BOOLEAN_ITEM = '{"type":"BOOLEAN_EVALUATION_RESPONSE_TYPE","booleanResponse":'
_VARIANT_ITEM = '{"type":"VARIANT_EVALUATION_RESPONSE_TYPE","variantResponse":'
_REASONS = {MATCH: "TARGETING_MATCH", DEFAULT: "DEFAULT", FLAG_DISABLED: "DISABLED"}


class Texts:
    """The pieces of one release, and the headers that name it. Safe among threads."""

    __slots__ = ("_headers", "_named", "_ofrep", "_rest", "snapshot")

    def __init__(self, serving: Serving) -> None:
        self.snapshot = serving.snapshot
        self._named = (
            ("burgee-environment", serving.release.environment),
            ("burgee-revision", str(serving.release.revision)),
        )
        # Of the last answer, with its age: most fall into the same second as the one before.
        self._headers: tuple[int | None, tuple[tuple[str, str], ...]] = (None, ())
        self._rest: dict[int, Piece] = {}
        self._ofrep = _Kept()

    def headers(self, serving: Serving, now: int) -> tuple[tuple[str, str], ...]:
        """Which release answered, and how many seconds ago the store was last seen.

        A start from what was kept does not know: then it is how old the release is, and the store was seen later.
        """
        age, headers = (now - (serving.checked_at or serving.release.published_at)) // 1000, self._headers
        if headers[0] != age:
            self._headers = headers = (age, (*self._named, ("burgee-age", str(max(0, age)))))
        return headers[1]

    def answer(self, result: Result, request_id: str, moment: str) -> str:
        """A BooleanResponse or VariantResponse; `moment` is what `moment_text` gives."""
        _, before, after = self._rest.get(id(result)) or self._write(result)
        return f"{before}{quoted(request_id)}{moment}{after}"

    def item(self, result: Result) -> tuple[str, str]:
        """As an item of a batch with a comma after it: what comes before the request id, and after the moment."""
        _, before, after = self._rest.get(id(result)) or self._write(result)
        return (_BOOLEAN_ITEM if result.__class__ is BooleanResult else _VARIANT_ITEM) + before, after + "},"

    def ofrep(self, result: Result) -> str:
        """OFREP's success of one flag."""
        return self._ofrep_of(result)[1:] or _ofrep(result)

    def ofrep_all(self, results: Collection[Result]) -> str:
        """OFREP's successes of all flags, with commas between; disabled variant flags are left out, as in Flipt."""
        try:
            return "".join(map(self._ofrep.texts.__getitem__, map(id, results)))[1:]
        except KeyError:
            return "".join(map(self._ofrep_of, results))[1:]

    def _ofrep_of(self, result: Result) -> str:
        """What an answer with all flags says of one, after a comma; nothing of a disabled variant flag."""
        found = self._ofrep
        text = found.texts.get(id(result))
        if text is None:
            if len(found.texts) >= _MOST_KEPT:
                found = self._ofrep = _Kept()
            found.results.append(result)
            left_out = result.reason == FLAG_DISABLED and not isinstance(result, BooleanResult)
            text = found.texts[id(result)] = "" if left_out else "," + _ofrep(result)
        return text

    def _write(self, result: Result) -> Piece:
        if len(self._rest) >= _MOST_KEPT:
            self._rest.clear()
        before, after = _boolean(result) if isinstance(result, BooleanResult) else _variant(result)
        piece = self._rest[id(result)] = (result, before, after)
        return piece


class _Kept:
    """Texts by the identity of their outcomes, which are held beside them; forgotten together."""

    __slots__ = ("results", "texts")

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.texts: dict[int, str] = {}


class Releases:
    """Texts by environment, each of the release that is served now. Safe among threads."""

    __slots__ = ("_by_environment", "_known")

    def __init__(self, known: Callable[[str], object]) -> None:
        """`known` tells whether there is an environment of a name: those of pull requests come and go."""
        self._by_environment: dict[str, Texts] = {}
        self._known = known

    def texts(self, serving: Serving) -> Texts:
        """The texts of what is served."""
        environment = serving.release.environment
        found = self._by_environment.get(environment)
        if found is None or found.snapshot is not serving.snapshot:
            found = Texts(serving)
            left = {name: texts for name, texts in self._by_environment.items() if self._known(name)}
            self._by_environment = {**left, environment: found}
        return found


def moment_text(milliseconds: float, instant: int) -> str:
    """How long an evaluation took, to the microsecond, and when it was, as fields between commas."""
    return f',"requestDurationMillis":{to_microseconds(milliseconds)!r},"timestamp":"{timestamp_text(instant)}"'


def to_microseconds(milliseconds: float) -> float:
    """The difference of two clock readings without digits that mean nothing; they take longest to write."""
    return int(milliseconds * 1000 + 0.5) / 1000


def timestamp_text(instant: int) -> str:
    """RFC 3339 with no or three fractional digits, as protobuf's JSON has it."""
    global _last_second
    second = instant // 1000
    known, text = _last_second
    if known != second:
        text = format_instant(second * 1000)[: -len(".000Z")]
        _last_second = second, text
    milliseconds = instant % 1000
    # The digits after a leading one: in half the time of a format with zeros.
    return f"{text}.{str(1000 + milliseconds)[1:]}Z" if milliseconds else f"{text}Z"


# Most answers fall into the same second as the one before. A pair, so that threads see it whole.
_last_second = (0, "1970-01-01T00:00:00")


def attachment_field(result: VariantResult) -> str:
    """A variant's attachment as the REST API has it: the text `null` for a variant without one, as in Flipt."""
    return result.attachment or ("null" if result.variant_key else "")


def _boolean(result: BooleanResult) -> tuple[str, str]:
    before = f'{{"enabled":{_word(result.enabled)},"reason":"{result.reason}","requestId":'
    return before, f',"flagKey":{quoted(result.flag_key)},"segmentKeys":{_list(result.segment_keys)}}}'


def _variant(result: VariantResult) -> tuple[str, str]:
    before = (
        f'{{"match":{_word(result.match)},"segmentKeys":{_list(result.segment_keys)},"reason":"{result.reason}",'
        f'"variantKey":{quoted(result.variant_key)},"variantAttachment":{quoted(attachment_field(result))},"requestId":'
    )
    return before, f',"flagKey":{quoted(result.flag_key)}}}'


def _ofrep(result: Result) -> str:
    named = f'"key":{quoted(result.flag_key)},"reason":"{_reason(result)}"'
    if isinstance(result, BooleanResult):
        word = _word(result.enabled)
        return f'{{{named},"variant":"{word}","value":{word}}}'
    variant, metadata = quoted(result.variant_key), []
    if result.segment_keys:
        metadata.append(f'"segments":{quoted(",".join(result.segment_keys))}')
    if result.attachment:
        metadata.append(f'"attachment":{quoted(result.attachment)}')
    return f'{{{named},"variant":{variant},"metadata":{{{",".join(metadata)}}},"value":{variant}}}'


def _reason(result: Result) -> str:
    return _REASONS.get(result.reason, "UNKNOWN")


def _word(value: object) -> str:
    return "true" if value else "false"


def _list(texts: Collection[str]) -> str:
    return f"[{','.join(map(quoted, texts))}]"
