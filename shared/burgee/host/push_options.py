"""What `git push -o` may say of the releases that a push makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.errors import InvalidDocument
from ..core.instant import parse_instant
from ..deliver.instants import NOW, When
from ..deliver.publisher import Options

# Let more than half of the flags, or an environment, go.
ALLOW_REMOVAL = "allow-removal"
AT_ONCE, SHIFT, AT, BREAK_GLASS = "now", "shift", "at=", "break-glass="
_KNOWN = f"'{ALLOW_REMOVAL}', '{AT_ONCE}', '{AT}INSTANT', '{SHIFT}' and '{BREAK_GLASS}REASON'"
# What messages say to publish with, and how a push says it.
_SPELLINGS = {
    "publish with --allow-removal": f"`git push -o {ALLOW_REMOVAL}`",
    "publish with --now": f"`git push -o {AT_ONCE}`",
}


def options_of(said: Sequence[str], options: Options) -> Options:
    """Options with what a push says besides. Raises InvalidDocument for what nobody knows, or for no instant."""
    for option in said:
        match option:
            case "allow-removal":
                options = replace(options, allow_removal=True)
            case "now":
                options = replace(options, when=NOW)
            case "shift":
                options = replace(options, near="shift")
            case _ if option.startswith(AT):
                when = When(parse_instant(option.removeprefix(AT)), said_by=f"-o {option}", commanded=True)
                options = replace(options, when=when)
            case _ if option.removeprefix(BREAK_GLASS).strip() and option.startswith(BREAK_GLASS):
                options = replace(options, override=option.removeprefix(BREAK_GLASS).strip(), by="a push")
            case _:
                raise InvalidDocument(f"unknown push option {option!r}; there are {_KNOWN}")
    return options


def refusal(said: Sequence[str]) -> str | None:
    """Why a push with these options is not taken."""
    try:
        options_of(said, Options())
    except InvalidDocument as error:
        return f"push rejected: {error}"
    return None


def as_push_options(line: str) -> str:
    """A message with the options of `burgee publish` spelled as those of a push."""
    for spelled, pushed in _SPELLINGS.items():
        line = line.replace(spelled, pushed)
    return line
