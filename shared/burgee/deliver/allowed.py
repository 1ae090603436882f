"""Which mirrors a deployment lets burgee.yaml name.

Law: who may commit to burgee.yaml cannot send flags, or the publisher's credentials, anywhere else. Where a place is
asked is part of where it is: a pattern without a query allows no `endpoint`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def is_allowed(mirror: str, patterns: Iterable[str]) -> bool:
    """Whether the URL of a mirror matches one of the patterns, in which `*` is any text."""
    place, _, query = mirror.partition("?")
    elsewhere = any(option.startswith("endpoint=") for option in query.split("&"))
    return any(
        _matches(mirror if "?" in pattern else place, pattern)
        for pattern in patterns
        if "?" in pattern or not elsewhere
    )


def _matches(text: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
