"""`ignore` patterns of an environment, which mean what they mean in .gitignore.

Law: no backtracking. Names are compared one by one, and what follows a `**` is taken at its first place, so a match
costs at most the length of the path times that of the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .globs import BadGlob, starred

MOST_PATTERNS = 200
LONGEST_PATTERN = 256
_NO_MATCH, _BY_DIRECTORY, _BY_FILE = 0, 1, 2
_Block = tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """`blocks` are the names between `**`; the first block stands at the beginning, the last one anywhere later.

    `negated` patterns take files back; `of_directories` ones end with a slash.
    """

    blocks: tuple[_Block, ...]
    negated: bool
    of_directories: bool

    def match(self, names: Sequence[str]) -> int:
        """How the names of a path match: not at all, by a directory above the file, or by the file itself."""
        first, *middle = self.blocks
        if not _stands_at(first, names, 0):
            return _NO_MATCH
        at = len(first)
        if not middle:
            return _BY_FILE if at == len(names) else _BY_DIRECTORY
        *middle, last = middle
        for block in middle:
            found = _first_place(block, names, at)
            if found < 0:
                return _NO_MATCH
            at = found + len(block)
        return self._match_end(last, names, at)

    def _match_end(self, last: _Block, names: Sequence[str], at: int) -> int:
        if not last:
            # Everything below: `a/` is a directory, `a/**` each of its files.
            below = at < len(names) - (1 if self.of_directories and at == 0 else 0)
            return (_BY_DIRECTORY if self.of_directories else _BY_FILE) if below else _NO_MATCH
        end = len(names) - len(last)
        if end >= at and _stands_at(last, names, end):
            return _BY_FILE
        return _BY_DIRECTORY if _first_place(last, names, at) >= 0 else _NO_MATCH


def is_ignored(path: str, patterns: Iterable[IgnorePattern]) -> bool:
    """Whether the path is ignored: the last pattern for the file decides, else the last for a directory above it."""
    names = path.split("/")
    strongest, ignored = _NO_MATCH, False
    for pattern in patterns:
        strength = pattern.match(names)
        if strength and strength >= strongest:
            strongest, ignored = strength, not pattern.negated
    return ignored


def compile_ignore(pattern: str) -> IgnorePattern | None:
    """The pattern, or None for a comment or nothing. Raises BadGlob."""
    if len(pattern) > LONGEST_PATTERN:
        raise BadGlob(f"wanted a pattern of at most {LONGEST_PATTERN} characters")
    text = pattern if pattern.endswith("\\ ") else pattern.rstrip()
    if text in ("", "/") or text.startswith("#"):
        return None
    negated = text.startswith("!")
    names = text.removeprefix("!").split("/")
    if names == [""]:
        raise BadGlob("wanted a pattern after the '!'")
    blocks: list[list[re.Pattern[str]]] = [[]]
    for name in _from_the_root(names):
        if name != "**":
            blocks[-1].append(_name_pattern(name))
        elif len(blocks) == 1 or blocks[-1]:
            blocks.append([])
    return IgnorePattern(tuple(map(tuple, blocks)), negated, of_directories=names[-1] == "")


def _from_the_root(names: Sequence[str]) -> Sequence[str]:
    """The names with `**` where a pattern may stand in any directory, and for all that is below a directory."""
    below = [*names[:-1], "**"] if names[-1] == "" else names
    if names[0] == "":
        return below[1:] or below
    return ["**", *below] if len(names) == 1 or (len(names) == 2 and names[1] == "") else below


def _stands_at(block: _Block, names: Sequence[str], at: int) -> bool:
    if at + len(block) > len(names):
        return False
    return all(name.fullmatch(names[at + offset]) for offset, name in enumerate(block))


def _first_place(block: _Block, names: Sequence[str], at: int) -> int:
    return next((place for place in range(at, len(names) - len(block) + 1) if _stands_at(block, names, place)), -1)


def _name_pattern(name: str) -> re.Pattern[str]:
    pieces, at = [""], 0
    while at < len(name):
        mark = name[at]
        if mark == "*":
            pieces.append("")
        elif mark == "?":
            pieces[-1] += "."
        elif mark == "[":
            text, at = _class(name, at)
            pieces[-1] += text
        else:
            if mark == "\\":
                at += 1
                if at == len(name):
                    raise BadGlob("wanted a character after the '\\'")
            pieces[-1] += re.escape(name[at])
        at += 1
    return re.compile(starred(pieces), re.DOTALL)


def _class(name: str, opened: int) -> tuple[str, int]:
    """A character class and the place of its closing bracket."""
    begin = opened + 1 + (name[opened + 1 : opened + 2] in ("!", "^"))
    closed = name.find("]", begin + 1)
    if closed < 0:
        raise BadGlob("wanted a ']' after the '['")
    body = name[begin:closed]
    if re.search(r"\[[:.=]", body):
        raise BadGlob("wanted the characters of a class, such as [a-z]; there are no named classes")
    members, at = "", 0
    while at < len(body):
        low, high = body[at], body[at]
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            high = body[at + 2]
            at += 2
        if low > high:
            raise BadGlob(f"wanted a range from low to high, got '[{body}]'")
        members += f"{re.escape(low)}-{re.escape(high)}"
        at += 1
    return f"[{'^' if begin > opened + 1 else ''}{members}]", closed
