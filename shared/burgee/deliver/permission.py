"""Whether a release may be made: the one place that decides it, for the command line, pushes, the timer and pages.

Law: a hold keeps pushes and timers from undoing a rollback; a freeze keeps everything as it is. Who breaks through
either says why, and the log keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..bundle.head import Head
from ..core.instant import format_instant, parse_instant

Kind = Literal["publish", "rollback"]
Word = Literal["hold", "freeze"]
WORDS: tuple[Word, ...] = ("hold", "freeze")
PARTICIPLES: dict[Word, str] = {"hold": "held", "freeze": "frozen"}

# What keeps which kind of release back. A rollback while there is a hold only goes further back.
_KEEP_BACK: dict[Kind, tuple[Word, ...]] = {"publish": ("freeze", "hold"), "rollback": ("freeze",)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is in the way of a release: `kept_back_by` names it, `message` says it; `overrides` is what is broken
    through. Without either it may be made."""

    kept_back_by: Word | None = None
    message: str = ""
    overrides: tuple[Word, ...] = ()

    @property
    def may_be_made(self) -> bool:
        """Whether nothing keeps it back."""
        return self.kept_back_by is None


def decide(head: Head | None, kind: Kind, *, now: int, override: str | None = None) -> Verdict:
    """Whether a release of that kind may follow `head` at `now` (ms); `override` is why a hold or freeze is broken."""
    present = [word for word in _KEEP_BACK[kind] if in_force(head, word, now=now)]
    if head is None or not present:
        return Verdict()
    if override:
        return Verdict(overrides=tuple(present))
    return Verdict(present[0], describe(present[0], _said(head, present[0])))


def in_force(head: Head | None, word: Word, *, now: int) -> bool:
    """Whether the head has a hold, or a freeze that has not ended at `now` (ms)."""
    said = None if head is None else _said(head, word)
    until = said.get("until") if isinstance(said, dict) else None
    return said is not None and (until is None or now < parse_instant(until))


def describe(word: Word, said: Any) -> str:
    """What a head says of its hold or freeze in words: until when, why, and by whom."""
    fields = said if isinstance(said, dict) else {"reason": str(said)}
    until = f" until {format_instant(parse_instant(fields['until']))}" if fields.get("until") else ""
    by = f" (by {fields['by']})" if fields.get("by") else ""
    return f"{PARTICIPLES[word]}{until}: {fields.get('reason') or 'no reason given'}{by}"


def _said(head: Head, word: Word) -> Any:
    return head.hold if word == "hold" else head.freeze
