"""Warnings about one flag or segment: accepted, and probably not meant.

Law: lint is on the publish path. Equal weights are judged once, and nothing here looks beyond its own flag or segment
(`reach` does).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from json import loads
from typing import Any

from ..core.bucketing import owners, threshold_size
from ..core.dates import parse_client_date, parse_server_date
from ..core.model import BOOLEAN_FLAG, DATETIME, NUMBER
from ..core.numbers import parse_int32
from ..core.schedule import SCHEDULE
from .constraint import LIST_OPERATORS
from .finding import Finding, Path, did_you_mean, shown, warning
from .scalars import Timestamp

_OURS = "burgee."
_TOLERANCE = 0.01
_PORTABLE_HINT = "official servers and clients differ here; see docs/compatibility.md"
_BLIND = frozenset(("empty", "notempty", "present", "notpresent", "true", "false"))


def lint_flag(raw: dict[str, Any], flag: dict[str, Any], index: int, findings: list[Finding]) -> None:
    """Add warnings about a flag without errors, from its raw and its normal form."""
    path = ("flags", index)
    if len(raw.get("variants") or ()) != 0:
        _lint_variants(raw["variants"], (*path, "variants"), findings)
    _lint_metadata(flag.get("metadata", ()), (*path, "metadata"), findings)
    is_boolean = "type" in flag
    if is_boolean:
        _lint_boolean(flag, path, findings)
    elif raw.get("rollouts"):
        hint = f"add type: {BOOLEAN_FLAG}, or remove them"
        message = "rollouts of a variant flag are never evaluated"
        findings.append(warning((*path, "rollouts"), "rollouts-ignored", message, hint))
    for number, rule in enumerate(raw.get("rules") or ()):
        if "rank" in rule:
            here = (*path, "rules", number, "rank")
            findings.append(warning(here, "rank-ignored", "'rank' is ignored: rules are tried in the order they stand"))
    if not is_boolean:
        for number, rule in enumerate(flag.get("rules", ())):
            _lint_weights(rule.get("distributions", ()), (*path, "rules", number), findings)


def _lint_variants(variants: list[dict[str, Any]], path: Path, findings: list[Finding]) -> None:
    seen: dict[str, int] = {}
    defaults = 0
    for number, variant in enumerate(variants):
        first = seen.setdefault(variant["key"], number)
        if first != number:
            message = f"variant {shown(variant['key'])} is there already; its first definition is used"
            findings.append(warning((*path, number), "duplicate-variant", message, "remove one of them"))
        if variant.get("default"):
            defaults += 1
            if defaults > 1:
                message = "the flag has a default variant already; the last one is used"
                findings.append(warning((*path, number, "default"), "several-defaults", message))


def _lint_metadata(metadata: Iterable[str], path: Path, findings: list[Finding]) -> None:
    for name in metadata:
        if name.startswith(_OURS) and name != SCHEDULE:
            message = f"metadata {shown(name)} say nothing to burgee, whose names begin with '{_OURS}'"
            findings.append(warning((*path, name), "unknown-metadata", message, did_you_mean(name, (SCHEDULE,))))


def _lint_boolean(flag: dict[str, Any], path: Path, findings: list[Finding]) -> None:
    for field in ("variants", "rules"):
        if field in flag:
            message = f"a boolean flag's {field} are ignored"
            findings.append(warning((*path, field), f"{field}-ignored", message, "use rollouts"))
    for number, rollout in enumerate(flag.get("rollouts", ())):
        here = (*path, "rollouts", number)
        if "threshold" in rollout:
            _lint_percentage(rollout["threshold"]["percentage"], (*here, "threshold", "percentage"), findings)
        elif "segment" not in rollout:
            findings.append(warning(here, "empty-rollout", "a rollout without segment or threshold does nothing"))


def _lint_percentage(percentage: float, path: Path, findings: list[Finding]) -> None:
    if not 0 <= percentage <= 100:
        message = f"wanted a percentage from 0 to 100, got {percentage}; it acts as {threshold_size(percentage)}"
        findings.append(warning(path, "threshold-out-of-range", message))
    elif not float(percentage).is_integer():
        message = f"percentage {percentage} acts as {threshold_size(percentage)}: thresholds have steps of one percent"
        findings.append(warning(path, "fractional-threshold", message))


def _lint_weights(distributions: Any, path: Path, findings: list[Finding]) -> None:
    if not distributions:
        message = "the rule matches but gives no variant; rules after it are not tried"
        findings.append(warning(path, "no-distributions", message, "add distributions"))
        return
    weights = tuple(distribution["rollout"] for distribution in distributions)
    verdict = _judge(weights)
    if verdict:
        findings.append(warning((*path, "distributions"), *verdict))


@lru_cache(maxsize=4096)
def _judge(weights: tuple[float, ...]) -> tuple[str, str, str] | None:
    """Code, message and hint about a rule's weights, or None."""
    used = [weight for weight in weights if weight > 0]
    if not used:
        message = "all weights are 0: the rule matches but gives no variant"
        return "no-distributions", message, "give one of them a weight"
    total = sum(used)
    if abs(total - 100) > _TOLERANCE:
        message = f"wanted weights that add up to 100, got {total:.6g}; older servers leave the rest without a variant"
        return "weights-not-100", message, "other readers scale the weights to 100"
    if owners(used, "S1") == owners(used, "S2") == owners(used, "C"):
        return None
    shares = ", ".join(f"{weight:g}" for weight in weights[:8])
    return "not-portable", f"weights {shares} give some entities another variant in another reader", _PORTABLE_HINT


def lint_segment(raw: dict[str, Any], segment: dict[str, Any], index: int, findings: list[Finding]) -> None:
    """Add warnings about a segment without errors, from its raw and its normal form."""
    seen: dict[tuple[str, ...], int] = {}
    for number, constraint in enumerate(segment.get("constraints", ())):
        path = ("segments", index, "constraints", number)
        kind, operator, value = constraint["type"], constraint["operator"], constraint.get("value", "")
        first = seen.setdefault((kind, constraint["property"], operator, value), number)
        if first != number:
            message = f"constraint {number + 1} is the same as constraint {first + 1}"
            findings.append(warning(path, "duplicate-constraint", message, "remove one of them"))
        if operator not in _BLIND:
            _lint_value(raw["constraints"][number], kind, operator, value, (*path, "value"), findings)


def _lint_value(raw: dict[str, Any], kind: str, operator: str, value: str, path: Path, findings: list[Finding]) -> None:
    authored = raw.get("value")
    dated = any(type(item) is Timestamp for item in (authored if type(authored) is list else (authored,)))
    if dated:
        message = "one of Flipt's servers reads an unquoted date as another text"
        findings.append(warning(path, "unquoted-date", message, "quote the date"))
    reason = _foreign(kind, operator, value)
    if reason:
        findings.append(warning(path, "not-portable", reason, _PORTABLE_HINT))


def _foreign(kind: str, operator: str, value: str) -> str:
    """Why official clients read the value otherwise than servers, or an empty text."""
    if operator in LIST_OPERATORS:
        return _foreign_list(value, numbers=kind == NUMBER)
    if not value:
        return ""
    if kind == NUMBER and parse_int32(value) is None:
        return f"clients know whole numbers of 32 bits only, not {shown(value)}"
    if kind == DATETIME and not _is_common_date(value):
        return f"clients know RFC 3339 dates with zone and whole seconds only, not {shown(value)}"
    return ""


def _is_common_date(text: str) -> bool:
    client, server = parse_client_date(text), parse_server_date(text)
    return client is not None and server is not None and client * 1_000_000_000 == server


def _foreign_list(text: str, *, numbers: bool) -> str:
    if not numbers and "\\" not in text and "null" not in text:
        return ""
    values = loads(text)
    if values is None:
        return "clients do not know null as the empty list"
    if any(value is None for value in values):
        return "clients do not know null inside a list"
    if not numbers:
        return 'clients cannot use a list with escapes such as \\" in it' if "\\" in text else ""
    odd = next((value for value in values if type(value) is not int or not -(2**31) <= value < 2**31), None)
    return "" if odd is None else f"clients know whole numbers of 32 bits only, not {odd}"[:120]
