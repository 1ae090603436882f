"""A second evaluator, written from the prose of Flipt semantics, section 2, and sharing nothing with the core.

It interprets a document anew at every question, with another arithmetic at every turn: `ctypes.c_float` for binary32,
fractions for number texts, `datetime` for dates, `str.isspace` for white space. It is slow and meant to be read.
"""

from __future__ import annotations

import ctypes
import json
import zlib
from datetime import date
from fractions import Fraction
from typing import Any

Normal = dict[str, Any]
Number = Fraction | float  # a float only for infinities and NaN


class EvaluationFails(Exception):
    """A server answers 400."""


class Naive:
    """`document` is in normal form; `buckets` is S1, S2 or C; `dialect` server or client; `plus` as S2+ and C+."""

    def __init__(self, document: Normal, *, buckets: str, dialect: str, plus: bool) -> None:
        self.flags = {flag["key"]: flag for flag in document["flags"]}
        self.segments = {segment["key"]: segment for segment in document["segments"]}
        self.buckets, self.client, self.plus = buckets, dialect == "client", plus

    def evaluate(self, flag_key: str, entity: str, context: dict[str, str]) -> tuple[object, ...]:
        """(enabled, reason, segment keys) or (match, variant, attachment, reason, segment keys)."""
        flag = self.flags[flag_key]
        if flag.get("type") == "BOOLEAN_FLAG_TYPE":
            return self.boolean(flag, entity, context)
        return self.variant(flag, entity, context)

    def boolean(self, flag: Normal, entity: str, context: dict[str, str]) -> tuple[object, ...]:
        enabled, rollouts = flag.get("enabled", False), flag.get("rollouts", [])
        if self.plus and not enabled and not rollouts:
            return (False, "FLAG_DISABLED_EVALUATION_REASON", ())
        for rollout in rollouts:
            if "threshold" in rollout:
                bucket = zlib.crc32((entity + flag["key"]).encode()) % 100
                if single(bucket) < single(rollout["threshold"]["percentage"]):
                    return (rollout["threshold"].get("value", False), "MATCH_EVALUATION_REASON", ())
            elif "segment" in rollout:
                hit, keys = self.segments_hit(rollout["segment"], entity, context)
                if hit:
                    return (rollout["segment"].get("value", False), "MATCH_EVALUATION_REASON", keys)
        return (enabled, "DEFAULT_EVALUATION_REASON", ())

    def variant(self, flag: Normal, entity: str, context: dict[str, str]) -> tuple[object, ...]:
        key, attachment, reason = "", None, "UNKNOWN_EVALUATION_REASON"
        for variant in flag.get("variants", []):
            if variant.get("default"):
                key, attachment, reason = variant["key"], variant.get("attachment"), "DEFAULT_EVALUATION_REASON"
        if not flag.get("enabled"):
            return (False, key, attachment, "FLAG_DISABLED_EVALUATION_REASON", ())
        for rule in flag.get("rules", []):
            hit, keys = self.segments_hit(rule["segment"], entity, context)
            if not hit:
                continue
            distributions = [one for one in rule.get("distributions", []) if single(one["rollout"]) > 0]
            if not distributions:
                return (True, key, attachment, "MATCH_EVALUATION_REASON", keys)
            bucket = zlib.crc32((flag["key"] + entity).encode()) % 1000
            winner = self.winner([single(one["rollout"]) for one in distributions], bucket)
            if winner is None:
                return (False, key, attachment, reason, keys)
            chosen = distributions[winner]["variant"]
            found = [variant for variant in flag.get("variants", []) if variant["key"] == chosen]
            return (True, chosen, found[0].get("attachment") if found else None, "MATCH_EVALUATION_REASON", keys)
        return (False, key, attachment, reason, ())

    def winner(self, weights: list[float], bucket: int) -> int | None:
        limits = self.limits(weights)
        if self.buckets == "C":
            exact = [index for index, limit in enumerate(limits) if limit == bucket + 1]
            if exact:
                return exact[-1]
        return next((index for index, limit in enumerate(limits) if limit >= bucket + 1), None)

    def limits(self, weights: list[float]) -> list[int]:
        if self.buckets == "S1":
            widths = [int(single(weight * 10)) for weight in weights]
            return [sum(widths[: end + 1]) for end in range(len(widths))]
        total = cumulated = single(0)
        for weight in weights:
            total = single(total + weight)
        limits = []
        for weight in weights:
            cumulated = single(cumulated + single(single(weight / total) * 100))
            tenths = single(cumulated * 10)
            limits.append(int(tenths) if self.buckets == "S2" else int(Fraction(tenths) + Fraction(1, 2)))
        limits[-1] = 1000
        return sorted(limits) if self.buckets == "C" else limits

    def segments_hit(self, named: Normal, entity: str, context: dict[str, str]) -> tuple[bool, tuple[str, ...]]:
        distinct: list[str] = []
        for key in named["keys"]:
            if key not in distinct:
                distinct.append(key)
        keys = tuple(key for key in distinct if self.segment_matches(key, entity, context))
        if named.get("operator") == "AND_SEGMENT_OPERATOR":
            return len(keys) == len(distinct), keys
        return bool(keys), keys

    def segment_matches(self, key: str, entity: str, context: dict[str, str]) -> bool:
        if key not in self.segments:  # burgee's own choice: what is not there matches nobody
            return False
        segment = self.segments[key]
        constraints = segment.get("constraints", [])
        any_of: bool = segment["match_type"] == "ANY_MATCH_TYPE"
        for constraint in constraints:
            if constraint["type"].split("_COMPARISON")[0] not in (
                "STRING",
                "NUMBER",
                "BOOLEAN",
                "DATETIME",
                "ENTITY_ID",
            ):
                if self.client:
                    return False
                raise EvaluationFails("unknown constraint type")
            if self.holds(constraint, entity, context) is any_of:
                return any_of
        return not any_of or not constraints

    def holds(self, constraint: Normal, entity: str, context: dict[str, str]) -> bool:
        kind, operator, value = constraint["type"], constraint["operator"], constraint.get("value", "")
        if kind == "ENTITY_ID_COMPARISON_TYPE":
            return self.text_holds(operator, entity, value)
        text = context.get(constraint["property"], "")
        if kind == "STRING_COMPARISON_TYPE":
            return self.text_holds(operator, text, value)
        if operator in ("present", "notpresent"):
            return self.is_empty(text) is bool(operator == "notpresent")
        if kind == "BOOLEAN_COMPARISON_TYPE":
            return bool(operator in ("true", "false") and self.boolean_of(text) is (operator == "true"))
        if kind == "NUMBER_COMPARISON_TYPE":
            return self.number_holds(operator, text, value)
        left, right = self.instant_of(text), self.instant_of(value)
        return left is not None and right is not None and compared(operator, left, right)

    def is_empty(self, text: str) -> bool:
        return text == "" if self.client else trimmed(text) == ""

    def text_holds(self, operator: str, text: str, value: str) -> bool:
        if operator in ("empty", "notempty"):
            return self.is_empty(text) == (operator == "empty")
        if text == "":
            return False
        if operator in ("isoneof", "isnotoneof"):
            members = self.texts_of(value)
            if members is None:
                return self.client and operator == "isnotoneof"
            return (text in members) == (operator == "isoneof")
        ended = text if self.client else trimmed(text)
        return {
            "eq": text == value,
            "neq": text != value,
            "prefix": ended[: len(value)] == value,
            "suffix": ended[max(len(ended) - len(value), 0) :] == value,
            "contains": value in text,
            "notcontains": value not in text,
        }.get(operator, False)

    def texts_of(self, value: str) -> list[str] | None:
        members = json_array(value)
        if self.client and (members is None or "\\" in value or any(not isinstance(one, str) for one in members)):
            return None
        if not self.client and value.strip(" \t\n\r") == "null":
            return []
        if members is None or any(not (one is None or isinstance(one, str)) for one in members):
            return None
        return [one or "" for one in members]

    def number_holds(self, operator: str, text: str, value: str) -> bool:
        left = self.number_of(text)
        if left is None:
            return False
        if operator in ("isoneof", "isnotoneof"):
            members = self.numbers_of(value)
            return members is not None and any(left == one for one in members) == (operator == "isoneof")
        right = self.number_of(value)
        return right is not None and compared(operator, left, right)

    def number_of(self, text: str) -> Number | None:
        if not self.client:
            return go_number(text)
        digits = text[1:] if text[:1] in ("+", "-") else text
        if not digits or any(letter not in "0123456789" for letter in digits):
            return None
        number = Fraction(text)
        return number if -(2**31) <= number <= 2**31 - 1 else None

    def numbers_of(self, value: str) -> list[Number] | None:
        if not self.client and value.strip(" \t\n\r") == "null":
            return []
        members = json_array(value, keep_numbers=True)
        if members is None or any(
            not isinstance(one, NumberText) and (self.client or one is not None) for one in members
        ):
            return None
        if self.client:
            read = [self.number_of(one) if one != "-0" else None for one in members]
        else:
            read = [Fraction(0) if one is None else go_number(one) for one in members]
        return None if None in read else [one for one in read if one is not None]

    def boolean_of(self, text: str) -> bool | None:
        truths = ["true"] if self.client else ["1", "t", "T", "TRUE", "true", "True"]
        lies = ["false"] if self.client else ["0", "f", "F", "FALSE", "false", "False"]
        return True if text in truths else False if text in lies else None

    def instant_of(self, text: str) -> Fraction | None:
        """Seconds since 0000-03-01, or some such day; only differences matter."""
        days = day_of(text[:10])
        if days is None:
            return None
        if len(text) == 10:
            return None if self.client else days * 86400
        clock, zone = self.split_zone(text[11:])
        if text[10] not in ("Tt " if self.client else "T") or clock is None or zone is None:
            return None
        if not self.client and clock[1:2] == ":":
            clock = "0" + clock
        whole, mark, fraction = clock[:8], clock[8:9], clock[9:]
        if mark and (mark not in ("." if self.client else ".,") or not fraction or not is_digits(fraction)):
            return None
        seconds = clock_seconds(whole, 60 if self.client else 59)
        if seconds is None:
            return None
        nanos = Fraction(int(fraction[:9].ljust(9, "0")), 10**9) if mark and not self.client else 0
        return days * 86400 + seconds - zone + nanos

    def split_zone(self, text: str) -> tuple[str | None, int | None]:
        if text[-1:] in (("Z", "z") if self.client else ("Z",)):
            return text[:-1], 0
        zone = text[-6:]
        signs = {"+": 1, "-": -1, "\u2212": -1} if self.client else {"+": 1, "-": -1}
        if len(zone) != 6 or zone[0] not in signs or zone[3] != ":" or not is_digits(zone[1:3] + zone[4:]):
            return None, None
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours > (23 if self.client else 24) or minutes > (59 if self.client else 60):
            return None, None
        return text[:-6], signs[zone[0]] * (hours * 3600 + minutes * 60)


class NumberText(str):
    """A JSON number as it was written."""


def single(number: float) -> float:
    return ctypes.c_float(number).value


def trimmed(text: str) -> str:
    """Without white space at both ends; `isspace` also knows U+001C to U+001F, which do not count."""
    start, end = 0, len(text)
    while start < end and is_space(text[start]):
        start += 1
    while end > start and is_space(text[end - 1]):
        end -= 1
    return text[start:end]


def is_space(letter: str) -> bool:
    return letter.isspace() and letter not in "\x1c\x1d\x1e\x1f"


def is_digits(text: str) -> bool:
    return text != "" and all(letter in "0123456789" for letter in text)


def json_array(value: str, *, keep_numbers: bool = False) -> list[Any] | None:
    """The array, or None when the text is not one; numbers are kept as texts or turned into something not a text."""
    constants: list[str] = []
    number: Any = NumberText if keep_numbers else complex
    try:
        array = json.loads(value, parse_int=number, parse_float=number, parse_constant=constants.append)
    except ValueError:
        return None
    return array if isinstance(array, list) and not constants else None


def compared(operator: str, left: Number, right: Number) -> bool:
    return {
        "eq": left == right,
        "neq": left != right,
        "lt": left < right,
        "lte": left <= right,
        "gt": left > right,
        "gte": left >= right,
    }.get(operator, False)


def go_number(text: str) -> Number | None:
    """Section 2.8, `accepted number text`, read from left to right."""
    sign = -1 if text[:1] == "-" else 1
    body = text[1:] if text[:1] in ("+", "-") else text
    if body.isascii() and body.lower() in ("inf", "infinity"):
        return sign * float("inf")
    if text.isascii() and text.lower() == "nan":
        return float("nan")
    base, digits = (16, "0123456789abcdef") if body[:2] in ("0x", "0X") else (10, "0123456789")
    if not underscores_between_digits(body, digits):
        return None
    rest = (body[2:] if base == 16 else body).replace("_", "").lower()
    mantissa, mark, exponent = rest.partition("p" if base == 16 else "e")
    whole, _, part = mantissa.partition(".")
    if not (whole + part) or any(digit not in digits for digit in whole + part) or (base == 16 and not mark):
        return None
    power = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    if mark and not is_digits(power):
        return None
    number = Fraction(int(whole + part, base), base ** len(part))
    shift = int(power or 0) * (-1 if exponent[:1] == "-" else 1)
    number *= Fraction(2 if base == 16 else 10) ** max(min(shift, 5000), -5000)
    try:
        return Fraction(sign * float(number))
    except OverflowError:
        return None


def underscores_between_digits(body: str, digits: str) -> bool:
    prefix = 2 if len(digits) == 16 else 0
    for place, letter in enumerate(body):
        if letter == "_":
            before = place > 0 and (body[place - 1].lower() in digits or place == prefix)
            if not before or body[place + 1 : place + 2].lower() not in list(digits):
                return False
    return True


def day_of(text: str) -> Fraction | None:
    if len(text) != 10 or text[4] + text[7] != "--" or not is_digits(text[:4] + text[5:7] + text[8:]):
        return None
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    try:
        # The calendar repeats every 400 years of 146,097 days, so year 0 is year 400 moved back.
        return (
            Fraction(date(year + 400, month, day).toordinal() - 146_097)
            if year <= 9599
            else Fraction(date(year - 400, month, day).toordinal() + 146_097)
        )
    except ValueError:
        return None


def clock_seconds(text: str, last: int) -> int | None:
    if len(text) != 8 or text[2] + text[5] != "::" or not is_digits(text[:2] + text[3:5] + text[6:]):
        return None
    hour, minute, second = int(text[:2]), int(text[3:5]), int(text[6:])
    if hour > 23 or minute > 59 or second > last:
        return None
    return hour * 3600 + minute * 60 + min(second, 59)
