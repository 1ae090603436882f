"""Flipt's glob dialect: no character is special to a path, so `*`, `?` and `**` all cross `/`.

A pattern of one star between two texts compares both ends, which may overlap: `prod/**/f.yml` matches `prod/f.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_PATTERN = 1000
_MOST_ALTERNATIVES = 256
_DEEPEST_BRACES = 10
# Of all alternatives together: as long as a match is bounded, so is a file's time with many patterns.
_LONGEST_EXPANSION = 10_000


class BadGlob(ValueError):
    """A pattern that cannot be read; the message says why."""


def compile_glob(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`; it does not backtrack. Raises BadGlob."""
    if len(pattern) > LONGEST_PATTERN:
        raise BadGlob(f"wanted a pattern of at most {LONGEST_PATTERN} characters, got {len(pattern)}")
    _check_braces(pattern)
    alternatives = _alternatives(pattern)
    length = sum(map(len, alternatives))
    if length > _LONGEST_EXPANSION:
        raise BadGlob(f"wanted alternatives of at most {_LONGEST_EXPANSION} characters together, got {length}")
    return re.compile("|".join(f"(?:{_translate(one)})" for one in alternatives), re.DOTALL)


def _check_braces(pattern: str) -> None:
    """Refuse too many alternatives before any is built. Each open brace has a sum and, of its last part, a product."""
    counts = [[0, 1]]
    for mark in re.findall(r"\\.|[{},]", pattern, re.DOTALL):
        if mark == "{":
            counts.append([0, 1])
        elif mark == "," and len(counts) > 1:
            counts[-1] = [sum(counts[-1]), 1]
        elif mark == "}" and len(counts) > 1:
            alternatives = sum(counts.pop())
            counts[-1][1] *= alternatives
        if len(counts) > _DEEPEST_BRACES + 1:
            raise BadGlob(f"wanted at most {_DEEPEST_BRACES} levels of braces in a pattern, got more")
        if sum(counts[-1]) > _MOST_ALTERNATIVES:
            raise BadGlob(f"wanted at most {_MOST_ALTERNATIVES} alternatives in a pattern, got more")


def _alternatives(pattern: str) -> list[str]:
    """The patterns that braces stand for."""
    found = [""]
    while (opened := _find(pattern, "{")) >= 0:
        parts, end = _split_braces(pattern, opened)
        heads = [one for part in parts for one in _alternatives(part)]
        found = [before + pattern[:opened] + head for before in found for head in heads]
        pattern = pattern[end:]
    if _find(pattern, "}") >= 0:
        raise BadGlob(f"wanted a '{{' before the '}}' of '{pattern}'")
    return [before + pattern for before in found]


def _split_braces(pattern: str, opened: int) -> tuple[list[str], int]:
    """The texts between the commas of the braces at `opened`, and where the pattern goes on."""
    parts, depth, start, at = [], 0, opened + 1, opened
    while at < len(pattern):
        mark = pattern[at]
        if mark == "\\":
            at += 1
        elif mark == "{":
            depth += 1
        elif mark == "," and depth == 1:
            parts.append(pattern[start:at])
            start = at + 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                return [*parts, pattern[start:at]], at + 1
        at += 1
    raise BadGlob(f"wanted a '}}' after the '{{' of '{pattern}'")


def _find(pattern: str, wanted: str) -> int:
    at = 0
    while at < len(pattern):
        if pattern[at] == wanted:
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def _translate(pattern: str) -> str:
    """A pattern without braces: pieces between stars, each matched at its first place and never given back."""
    pieces, plain = _pieces(pattern)
    if plain and len(pieces) == 2:
        return f"(?={pieces[0]}).*{pieces[1]}"
    return starred(pieces)


def starred(pieces: Sequence[str]) -> str:
    """The regular expression of pieces, each of a fixed length, with anything between them."""
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"


def _pieces(pattern: str) -> tuple[list[str], bool]:
    """Regular expressions of the pieces between stars, and whether all of them are literal."""
    pieces, plain, at = [""], True, 0
    while at < len(pattern):
        mark = pattern[at]
        if mark == "*":
            if pattern[at - 1 : at] != "*" or at == 0:
                pieces.append("")
        elif mark == "?":
            pieces[-1] += "."
            plain = False
        elif mark == "[":
            text, at = _class(pattern, at)
            pieces[-1] += text
            plain = False
        else:
            if mark == "\\":
                at += 1
            pieces[-1] += re.escape(pattern[at : at + 1])
        at += 1
    return pieces, plain


def _class(pattern: str, opened: int) -> tuple[str, int]:
    """A character class and the place of its closing bracket."""
    closed = pattern.find("]", opened + 2)
    if closed < 0:
        raise BadGlob(f"wanted a ']' after the '[' of '{pattern}'")
    inside = pattern[opened + 1 : closed]
    negated = inside.startswith("!")
    body = inside.removeprefix("!")
    if not body:
        raise BadGlob(f"wanted characters between '[!' and ']' of '{pattern}'")
    span = re.fullmatch(r"(.)-(.)", body, re.DOTALL)
    if span and span[1] > span[2]:
        raise BadGlob(f"wanted a range from low to high, got '[{body}]'")
    members = f"{re.escape(span[1])}-{re.escape(span[2])}" if span else re.escape(body)
    return f"[{'^' if negated else ''}{members}]", closed
