"""Sample contexts: who is to be asked about, and what each of them gets before and after a change.

They are answered by the very evaluation that readers use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from json import loads
from math import isfinite
from typing import Any

from ..bundle.document import Document, encode
from ..core.context import texts_of
from ..core.errors import BurgeeError, InvalidContext, InvalidRequest, TooLarge
from ..core.model import BooleanResult
from ..core.snapshot import Namespace
from .answers import NOT_THERE, Answer, State, segment_keys

MOST_SAMPLES = 100_000
MOST_SHOWN = 10
_FIELDS = ("entity", "context", "namespace", "weight")


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody who asks; of every namespace, if `namespace` is None. `weight` is how many are like this one."""

    entity: str
    context: Mapping[str, str]
    namespace: str | None = None
    weight: float = 1


@dataclass(frozen=True, slots=True)
class Told:
    """One sample whose answer changes."""

    sample: Sample
    old: Answer
    new: Answer


@dataclass(frozen=True, slots=True)
class Tally:
    """How many samples were asked about a flag and how many of them get another answer, as they are and by weight;
    `told` are the first of these.
    """

    asked: int
    changed: int
    weight: float
    changed_weight: float
    told: tuple[Told, ...]


def read_samples(content: bytes, name: str) -> tuple[Sample, ...]:
    """The samples of a file of JSON lines; empty lines are skipped. Raises InvalidRequest, TooLarge."""
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if len(lines) > MOST_SAMPLES:
        raise TooLarge(f"{name} has {len(lines)} contexts, wanted at most {MOST_SAMPLES}; leave some out")
    return tuple(_sample(line, f"{name}:{number}") for number, line in lines)


def tally(key: str, namespace: str, old: State, new: State, samples: Sequence[Sample]) -> tuple[Tally, frozenset[int]]:
    """What the samples of a namespace are answered about a flag in one state and in the other, and the places of those
    that are answered otherwise.
    """
    before, after = _asking(key, namespace, old), _asking(key, namespace, new)
    changed: dict[int, Told] = {}
    asked = {place: sample for place, sample in enumerate(samples) if sample.namespace in (None, namespace)}
    for place, sample in asked.items():
        told = Told(sample, _answer(before, key, old, sample), _answer(after, key, new, sample))
        if told.old != told.new:
            changed[place] = told
    weight, changed_weight = (sum(samples[place].weight for place in places) for places in (asked, changed))
    shown = tuple(islice(changed.values(), MOST_SHOWN))
    return Tally(len(asked), len(changed), weight, changed_weight, shown), frozenset(changed)


def _asking(key: str, namespace: str, state: State) -> Namespace | None:
    """A namespace with the flag and its segments alone; None where there is no such flag."""
    if state.flag is None:
        return None
    segments = [found for name in segment_keys(state.flag) if (found := state.segment(name)) is not None]
    document = encode({"namespace": namespace, "flags": [state.flag], "segments": segments})
    return Namespace(namespace, Document(document), state.profile)


def _answer(namespace: Namespace | None, key: str, state: State, sample: Sample) -> Answer:
    if namespace is None:
        return NOT_THERE
    try:
        result = namespace.evaluate(key, sample.entity, sample.context, state.at)
    except BurgeeError as error:
        return Answer(f"error: {error}", False)
    if isinstance(result, BooleanResult):
        return Answer(result.enabled, reason=result.reason)
    return Answer(result.variant_key, result.match, result.attachment, result.reason)


def _sample(line: bytes, where: str) -> Sample:
    try:
        read = loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{where}: wanted a JSON object on each line: {error}") from error
    if not isinstance(read, dict) or not isinstance(read.get("entity"), str):
        raise InvalidRequest(f'{where}: wanted an object such as {{"entity": "amira", "context": {{"plan": "pro"}}}}')
    unknown = [name for name in read if name not in _FIELDS]
    if unknown:
        raise InvalidRequest(f"{where}: unknown field {unknown[0]!r}, there are {', '.join(_FIELDS)}")
    namespace, weight = read.get("namespace"), read.get("weight", 1)
    if not (namespace is None or isinstance(namespace, str)):
        raise InvalidRequest(f"{where}: wanted a namespace's key, got {namespace!r}")
    if type(weight) not in (int, float) or not (weight >= 0 and isfinite(weight)):
        raise InvalidRequest(f"{where}: wanted a weight of 0 or more, got {weight!r}")
    return Sample(_text(read["entity"], where), _context(read.get("context", {}), where), namespace, weight)


def _context(read: Any, where: str) -> dict[str, str]:
    if not isinstance(read, dict):
        raise InvalidRequest(f"{where}: wanted the context as an object, got {read!r}")
    try:
        return {_text(name, where): _text(text, where) for name, text in texts_of(read).items()}
    except InvalidContext as error:
        raise InvalidRequest(f"{where}: {error}") from error


def _text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{where}: wanted texts, got {text!r}, which no encoding has") from error
    return text


def whole(amount: float) -> str:
    """A weight as people write it: without a fraction where it has none."""
    return str(int(amount)) if float(amount).is_integer() else f"{amount:g}"
