"""What somebody may have meant who named something that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'this'?`, empty where nothing is near."""
    return "".join(f"; did you mean {near!r}?" for near in get_close_matches(word, list(known), n=1))
