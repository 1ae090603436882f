"""An explanation as lines that a person reads from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..core.explain import Explanation
from ..core.model import BOOLEAN_FLAG, DEFAULT, FLAG_DISABLED, MATCH, BooleanResult
from ..core.visible import visible

_COLORS = {"✓": "green", "✗": "red"}


def explanation_lines(flag: str, entity: str, explanation: Explanation) -> Iterator[str]:
    """The answer first, then each step on the way to it; what comes from flags and contexts is made visible."""
    headline, *rest = (visible(line) for line in _lines(flag, entity, explanation))
    yield click.style(headline, bold=True)
    for line in rest:
        mark = line.lstrip()[:1]
        yield line.replace(mark, click.style(mark, fg=_COLORS[mark]), 1) if mark in _COLORS else line


def _lines(flag: str, entity: str, explanation: Explanation) -> Iterator[str]:
    result = explanation.result
    state = "enabled" if explanation.enabled else "disabled"
    if explanation.flag_type == BOOLEAN_FLAG:
        # Of a boolean flag it is only the answer when no rollout matches.
        state = f"`enabled: {str(explanation.enabled).lower()}`"
    yield f"{flag} for {entity or '(empty entity id)'}: {_answer(result)}"
    yield f"  because {_because(explanation)} ({result.reason})"
    default = f", default variant {explanation.default_variant}" if explanation.default_variant else ""
    yield f"  the flag is {explanation.flag_type}, {state}{default}"
    if explanation.schedule:
        yield f"  scheduled: {'; '.join(explanation.schedule)}"
    for step in explanation.steps:
        yield from _step(step)


def _because(explanation: Explanation) -> str:
    reason, steps = explanation.result.reason, explanation.steps
    if reason == MATCH:
        return "a rule or rollout matched"
    if reason == FLAG_DISABLED:
        return "the flag is disabled"
    nothing = "a rule matched but gave no variant" if steps and steps[-1].matched else "nothing matched"
    if explanation.flag_type == BOOLEAN_FLAG:
        return f"{nothing}, so what the flag's `enabled` says"
    return f"{nothing}, so the default" if reason == DEFAULT else f"{nothing} and there is no default variant"


def _answer(result: Any) -> str:
    if isinstance(result, BooleanResult):
        return "true" if result.enabled else "false"
    attachment = f" with {result.attachment}" if result.attachment else ""
    return f"{result.variant_key or 'no variant'}{attachment}{'' if result.match else ' (match: false)'}"


def _step(step: Any) -> Iterator[str]:
    word = "rule" if step.kind == "rule" else "rollout"
    yield f"  {_mark(step.matched)} {word} {step.place}: {step.outcome}"
    if step.operator and len(step.segments) > 1:
        yield f"      {step.operator} over {len(step.segments)} segments"
    for segment in step.segments:
        yield from _segment(segment)
    if step.bucket is not None:
        parts = ", ".join(f"{what} {first}-{last}" for what, first, last in step.shares) or "no bucket counts"
        yield f"      bucket {step.bucket} of {100 if step.kind == 'threshold' else 1000}; {parts}"


def _segment(segment: Any) -> Iterator[str]:
    if not segment.known:
        yield f"      {_mark(False)} segment {segment.key} does not exist"
        return
    kind = f" ({segment.match_type} of {len(segment.constraints)})" if segment.constraints else " (everybody)"
    yield f"      {_mark(segment.matched)} segment {segment.key}{kind}"
    for constraint in segment.constraints:
        value = f" {constraint.value!r}" if constraint.value else ""
        actual = "absent" if constraint.actual is None else repr(constraint.actual)
        yield f"          {_mark(constraint.matched)} {constraint.subject} {constraint.operator}{value}: it is {actual}"


def _mark(matched: bool) -> str:
    return "✓" if matched else "✗"
