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
    if not present:
        return Verdict()
    if override:
        return Verdict(overrides=tuple(present))
    word = present[0]
    return Verdict(word, describe(head, word))


def in_force(head: Head | None, word: Word, *, now: int) -> bool:
    """Whether the head has a hold, or a freeze that has not ended at `now` (ms)."""
    found: Any = _word_of(head, word)
    if found is None:
        return False
    until = found.get("until") if isinstance(found, dict) else None
    return until is None or now < parse_instant(until)


def describe(head: Head | None, word: Word) -> str:
    """A hold or freeze of the head in words: until when, why, and by whom."""
    found: Any = _word_of(head, word)
    fields = found if isinstance(found, dict) else {"reason": str(found)}
    until = f" until {format_instant(parse_instant(fields['until']))}" if fields.get("until") else ""
    by = f" (by {fields['by']})" if fields.get("by") else ""
    participle = {"hold": "held", "freeze": "frozen"}[word]
    return f"{participle}{until}: {fields.get('reason') or 'no reason given'}{by}"


def _word_of(head: Head | None, word: Word) -> Any:
    """The hold or freeze of a head, None without one."""
    if head is None:
        return None
    return head.hold if word == "hold" else head.freeze
