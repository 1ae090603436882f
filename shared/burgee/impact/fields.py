"""An impact as JSON: every population and every answer, with buckets of 1,000 and no words to be parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.bucketing import BUCKETS
from ..core.instant import format_instant
from .answers import Answer
from .effects import Effect, FlagImpact, Impact
from .populations import Population
from .risk import Risk
from .samples import Tally

Json = Mapping[str, Any]


def impact_fields(impact: Impact) -> Json:
    """What docs/impact.md describes."""
    return {
        "at": format_instant(impact.at),
        "risk": impact.level,
        "profiles": list(impact.profiles),
        "flags": [_flag(flag) for flag in impact.flags],
        "contexts": {"asked": impact.samples, "changed": impact.moved} if impact.samples else None,
    }


def _flag(flag: FlagImpact) -> Json:
    return {
        "namespace": flag.namespace,
        "key": flag.key,
        "action": flag.action,
        "segments": list(flag.segments),
        "risk": _risk(flag.risk),
        "now": _effect(flag.now),
        "later": [_effect(effect) for effect in flag.later],
        "dropped": [_effect(effect) for effect in flag.dropped],
        "unreachable": [{"number": part.number, "why": part.why, "new": part.is_new} for part in flag.shadowed],
    }


def _effect(effect: Effect) -> Json:
    return {
        "from": _instant(effect.since),
        "until": _instant(effect.until),
        "risk": _risk(effect.risk),
        "exact": effect.shares.exact,
        "types": list(effect.shares.types) if effect.shares.types else None,
        "populations": [_population(population) for population in effect.shares.populations],
        "contexts": _tally(effect.tally) if effect.tally else None,
    }


def _population(population: Population) -> Json:
    return {
        "before": population.before,
        "after": population.after,
        "label": population.label,
        "moved": list(population.moved),
        "buckets": population.changed,
        "share": population.changed / BUCKETS,
        "answers": [
            {"old": _answer(change.old), "new": _answer(change.new), "buckets": change.buckets}
            for change in population.transitions
        ],
        "other_reason": population.reasons,
    }


def _answer(answer: Answer) -> Json | None:
    """None where there is no such flag."""
    if answer.value is None:
        return None
    if isinstance(answer.value, bool):
        return {"enabled": answer.value}
    return {"variant_key": answer.value, "match": answer.matched, "attachment": answer.attachment}


def _tally(tally: Tally) -> Json:
    return {
        "asked": tally.asked,
        "changed": tally.changed,
        "weight": tally.weight,
        "changed_weight": tally.changed_weight,
        "shown": [
            {
                "entity": told.sample.entity,
                "context": dict(told.sample.context),
                "weight": told.sample.weight,
                "old": _answer(told.old),
                "new": _answer(told.new),
            }
            for told in tally.told
        ],
    }


def _risk(risk: Risk) -> Json:
    return {"level": risk.level, "reasons": list(risk.reasons)}


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
