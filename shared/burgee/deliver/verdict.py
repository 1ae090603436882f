"""The verdict on one case of a flag test: whether the answer is the expected one, and if not, what it was and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from ..author.finding import Finding, Path, did_you_mean
from ..author.flag_tests import NOTHING, TEST_FAILED, Case, Expected, Share
from ..core.context import NOBODY
from ..core.errors import RequestError, TargetingKeyMissing
from ..core.explain import Explanation, explain
from ..core.model import BOOLEAN_FLAG, FLAG_DISABLED, BooleanResult
from ..core.snapshot import Namespace
from .shares import EntityDecides, shares

_LONGEST = 200
_MOST_STEPS = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case or share, or of a whole test whose flag is not there.

    `path` is its place in the `document`th document of its file, `line` is 0 until it has been located; `title` says
    who asked. `expected`, `got`, `why` and `hint` are texts, and empty when it `passed`.
    """

    path: Path
    document: int
    namespace: str
    flag: str
    title: str
    at: int
    passed: bool = True
    expected: str = ""
    got: str = ""
    why: str = ""
    hint: str = ""
    line: int = 0
    column: int = 0

    def fail(self, expected: str, got: str, why: str, hint: str = "") -> Verdict:
        """The same, failed."""
        return replace(self, passed=False, expected=expected, got=got, why=why, hint=hint)

    def finding(self) -> Finding:
        """The verdict as a mistake of its file, yet to be located."""
        wanted = f"wanted {self.expected}, got {self.got}"
        who, why = (f" {self.title}" if self.title else ""), (f": {self.why}" if self.why else "")
        message = f"{self.flag}{who}: {wanted}{why}"
        return Finding(self.path, TEST_FAILED, message, self.hint, document=self.document)


def case_verdict(verdict: Verdict, namespace: Namespace, case: Case) -> Verdict:
    """The verdict on a case; of `verdict` the place and the instant are known."""
    verdict = replace(verdict, path=case.path, title=_titled(case.name, _asking(case)))
    entity = NOBODY if case.entity is None else case.entity
    try:
        result = namespace.evaluate(verdict.flag, entity, case.context, verdict.at)
    except TargetingKeyMissing as error:
        return verdict.fail(_wish(case.expected), "no answer", str(error), "add `entity` to the case")
    except RequestError as error:
        return verdict.fail(_wish(case.expected), "no answer", str(error))
    different = list(_differences(case.expected, result))
    if not different:
        return verdict
    explanation = explain(namespace, verdict.flag, entity, case.context, verdict.at)
    wanted, got = (" and ".join(dict.fromkeys(texts)) for texts in zip(*different, strict=True))
    in_force = f" (scheduled: {'; '.join(explanation.schedule)})" if explanation.schedule else ""
    hint = _hint(namespace, verdict.flag, case, explanation)
    return verdict.fail(wanted, got, f"{_why(explanation)}{in_force}", hint)


def share_verdict(verdict: Verdict, namespace: Namespace, share: Share) -> Verdict:
    """The verdict on a share; of `verdict` the place and the instant are known."""
    context = _context_text(share.context)
    verdict = replace(verdict, path=share.path, title=_titled(share.name, f"shares{context}"))
    wanted = _percents(share.percents)
    try:
        found = shares(namespace, verdict.flag, share.context, verdict.at)
    except EntityDecides as error:
        return verdict.fail(wanted, "no share", str(error), "write cases for these entities instead")
    except RequestError as error:
        return verdict.fail(wanted, "no answer", str(error))
    limit = share.tolerance + _ROUNDING
    if all(abs(found.get(answer, 0.0) - percent) <= limit for answer, percent in share.percents.items()):
        return verdict
    flag = namespace.document.flag(verdict.flag) or {}
    within = f", each within {share.tolerance:g}" if share.tolerance else ""
    hint = next(filter(None, (_unknown_answer(flag, answer) for answer in share.percents)), "")
    return verdict.fail(wanted + within, _percents(found), "counted over every bucket", hint)


def _titled(name: str, asking: str) -> str:
    return _cut(f"{asking} ({name})" if name else asking)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _asking(case: Case) -> str:
    who = "anybody" if case.entity is None else case.entity or "(empty entity id)"
    return f"for {who}{_context_text(case.context)}"


def _context_text(context: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{name}={value}" for name, value in context.items())
    return f" with {pairs}" if pairs else ""


def _percents(percents: Mapping[str, float]) -> str:
    return ", ".join(f"{percent:g} % {answer or 'no variant'}" for answer, percent in percents.items())


def _reason_text(reason: str) -> str:
    return f"reason {reason.removesuffix('_EVALUATION_REASON')}"


# What is compared of an answer, in the order in which it is told, and its words.
_FIELDS: tuple[tuple[Callable[[Expected], Any], Callable[[Any], str]], ...] = (
    (attrgetter("value"), lambda value: "true" if value else "false"),
    (attrgetter("variant"), lambda variant: f"variant {variant!r}" if variant else "no variant"),
    (attrgetter("attachment"), lambda text: "no attachment" if text == NOTHING else _cut(f"attachment {text}")),
    (attrgetter("match"), lambda match: "a match" if match else "no match"),
    (attrgetter("reason"), _reason_text),
    (attrgetter("segments"), lambda keys: f"segments [{', '.join(sorted(keys))}]"),
)


def _differences(expected: Expected, result: Any) -> Iterator[tuple[str, str]]:
    """Each part of the answer that is not as expected: (the expected one, the one that was given)."""
    actual = _given(result)
    for part, words in _FIELDS:
        wanted, got = part(expected), part(actual)
        if wanted is not None and wanted != got:
            yield words(wanted), _answer(result) if got is None else words(got)


def _given(result: Any) -> Expected:
    """An answer as what would be expected of it."""
    reason, segments = result.reason, frozenset(result.segment_keys)
    if isinstance(result, BooleanResult):
        return Expected(value=result.enabled, reason=reason, segments=segments)
    return Expected(
        variant=result.variant_key,
        attachment=result.attachment or NOTHING,
        match=result.match,
        reason=reason,
        segments=segments,
    )


def _answer(result: Any) -> str:
    actual = _given(result)
    return next(words(got) for part, words in _FIELDS if (got := part(actual)) is not None)


def _wish(expected: Expected) -> str:
    return " and ".join(words(wanted) for part, words in _FIELDS if (wanted := part(expected)) is not None)


def _why(explanation: Explanation) -> str:
    """The step that decided, or why none did."""
    steps, word = explanation.steps, "rollout" if explanation.flag_type == BOOLEAN_FLAG else "rule"
    if explanation.result.reason == FLAG_DISABLED:
        return "the flag is disabled"
    if not steps:
        return f"it has no {word}s"
    last = steps[-1]
    if last.matched:
        bucket = f" (bucket {last.bucket} of {100 if last.kind == 'threshold' else 1000})"
        return f"{word} {last.place} {last.outcome}{'' if last.bucket is None else bucket}"
    missed = [f"{word} {step.place} {_miss(step)}" for step in steps[:_MOST_STEPS]]
    return "; ".join([*missed, *(["..."] if len(steps) > _MOST_STEPS else [])])


def _miss(step: Any) -> str:
    """Why a step did not decide: the first constraint that does not hold, of the first segment that does not match."""
    for segment in step.segments:
        for constraint in () if segment.matched else segment.constraints:
            if not constraint.matched:
                value = f" {constraint.value!r}" if constraint.value else ""
                actual = "absent" if constraint.actual is None else repr(constraint.actual)
                wanted = f"{constraint.subject} {constraint.operator}{value}"
                return _cut(f"passes on: segment {segment.key} wants {wanted}, it is {actual}")
    outcome: str = step.outcome
    return outcome


def _hint(namespace: Namespace, key: str, case: Case, explanation: Explanation) -> str:
    """What may be wrong with the case rather than with the flag."""
    expected, flag = case.expected, namespace.document.flag(key) or {}
    if explanation.flag_type == BOOLEAN_FLAG and expected.variant is not None:
        return "it is a boolean flag: write expect: true or expect: false"
    if explanation.flag_type != BOOLEAN_FLAG and expected.value is not None:
        return "it is a variant flag: write the variant's key as expect"
    if expected.variant and (hint := _unknown_answer(flag, expected.variant)):
        return hint
    for segment in sorted(expected.segments or ()):
        if namespace.document.segment(segment) is None:
            asked = {traced.key for step in explanation.steps for traced in step.segments}
            return f"there is no segment {segment!r}; {did_you_mean(segment, asked)}".removesuffix("; ")
    return _misspelt_property(case, explanation)


def _unknown_answer(flag: Mapping[str, Any], answer: str) -> str:
    """A hint where an answer is expected that the flag cannot give."""
    boolean = flag.get("type") == BOOLEAN_FLAG
    known = ["true", "false"] if boolean else [variant["key"] for variant in flag.get("variants", ())]
    if answer in known or (answer == "" and not boolean):
        return ""
    near = did_you_mean(answer, known) or f"it has {', '.join(known) or 'none'}"
    return f"the flag has no {'answer' if boolean else 'variant'} {answer!r}; {near}"


def _misspelt_property(case: Case, explanation: Explanation) -> str:
    looked_at = {
        constraint.subject
        for step in explanation.steps
        for segment in step.segments
        for constraint in segment.constraints
    }
    for name in case.context:
        if name not in looked_at and (near := did_you_mean(name, looked_at - case.context.keys())):
            return f"no constraint on the way looks at '{name}'; {near}"
    return ""
