"""How two families of evaluators read the texts in constraints and contexts.

Sources: Flipt semantics 2.8 (servers) and 2.9 (client engines).
"""

from __future__ import annotations

from . import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
    from collections.abc import Callable
    from typing import Any
else:
    from .records import namedtuple

# White space as Go's unicode.IsSpace knows it; str.strip() would also take U+001C to U+001F.
WHITE_SPACE = "".join(
    (
        "\t\n\v\f\r \x85\xa0\u1680",
        "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a",
        "\u2028\u2029\u202f\u205f\u3000",
    )
)


SPACES = frozenset(WHITE_SPACE)


class Dialect(namedtuple("Dialect", "blank trimmed read_number number_set read_date read_boolean string_set strict")):
    """How one family of evaluators reads texts.

    `blank(text)` answers empty and present; `trimmed(text)` comes before prefix and suffix; the readers return None
    for what they cannot read, the sets for a list they cannot use. A `strict` dialect fails an evaluation at an
    unknown constraint type, and matches nothing by `isnotoneof` over an unusable list of texts; the other one takes
    the type as no match, and the list as empty.
    """

    __slots__ = ()


def _is_blank(text: str) -> bool:
    return not text.strip(WHITE_SPACE)


def _is_empty(text: str) -> bool:
    return text == ""


def _trimmed(text: str) -> str:
    return text.strip(WHITE_SPACE)


def _as_is(text: str) -> str:
    return text


def read_string_set(value: str) -> frozenset[str] | None:
    """A JSON array of strings as servers read it: `null` is the empty set, a null element the empty text."""
    members = _json_list(value)
    if members is None or not all(member is None or isinstance(member, str) for member in members):
        return None
    return frozenset(member or "" for member in members)


def read_number_set(value: str) -> tuple[float, ...] | None:
    """A JSON array of numbers as servers read it: `null` is the empty set, a null element 0."""
    members = _json_list(value)
    if members is None or not all(member is None or _is_number(member) for member in members):
        return None
    try:
        read = tuple(float(member or 0) for member in members)
    except OverflowError:
        return None
    return None if any(abs(member) == float("inf") for member in read) else read


def _client_string_set(value: str) -> frozenset[str] | None:
    # The engine borrows its texts from the list, so one escape anywhere makes the whole list unusable.
    if "\\" in value:
        return None
    members = _json_list(value)
    if members is None or not all(isinstance(member, str) for member in members) or not value.strip().startswith("["):
        return None
    return frozenset(members)


def _client_number_set(value: str) -> tuple[int, ...] | None:
    members = _json_list(value, parse_int=_client_integer)
    if members is None or not value.strip().startswith("["):
        return None
    if not all(isinstance(member, int) and _is_number(member) and -(2**31) <= member < 2**31 for member in members):
        return None
    return tuple(members)


def _client_integer(digits: str) -> int | float:
    # The engine's JSON reader has no negative zero among its integers.
    return -0.0 if digits == "-0" else int(digits)


def _is_number(member: object) -> bool:
    return isinstance(member, (int, float)) and not isinstance(member, bool)


def _json_list(value: str, parse_int: Callable[[str], Any] = int) -> list[Any] | None:
    from json import loads

    try:
        members = loads(value, parse_int=parse_int, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if members is None:
        return []
    return members if isinstance(members, list) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


_BOOLEANS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True)
_BOOLEANS.update(dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False))


def _server_date(text: str) -> int | None:
    # Late: few flags ask for dates, and every cold start would pay.
    from .dates import parse_server_date

    return parse_server_date(text)


def _client_date(text: str) -> int | None:
    from .dates import parse_client_date

    return parse_client_date(text)


SERVER = Dialect(
    blank=_is_blank,
    trimmed=_trimmed,
    read_number=numbers.parse_number,
    number_set=read_number_set,
    read_date=_server_date,
    read_boolean=_BOOLEANS.get,
    string_set=read_string_set,
    strict=True,
)
CLIENT = Dialect(
    blank=_is_empty,
    trimmed=_as_is,
    read_number=numbers.parse_int32,
    number_set=_client_number_set,
    read_date=_client_date,
    read_boolean={"true": True, "false": False}.get,
    string_set=_client_string_set,
    strict=False,
)
DIALECTS = {"server": SERVER, "client": CLIENT}
