"""Check one raw document as Flipt does, and everything that is wrong at once.

Law: hand-written tables and loops, for a publish checks every flag: what is right costs a test, what is wrong an
explanation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..bundle.keys import LONGEST_NAMESPACE
from ..core.model import AND, BOOLEAN_FLAG, OR, VARIANT_FLAG
from ..core.schedule import SCHEDULE
from .constraint import check_segment
from .fields import (
    ANYTHING,
    ATTACHMENT,
    BOOLEAN,
    KEY,
    KEYS,
    LIST,
    MAPPING,
    NAME,
    PERCENTAGE,
    RANK,
    TEXT_OR_NULL,
    WEIGHT,
    Kind,
    Shape,
    check_fields,
    check_plain,
    is_key,
    is_plain,
    items_of,
    one_of,
    or_null,
)
from .finding import MOST_HINTS, Finding, Findings, Path, TooManyProblems, did_you_mean, shown
from .schedule import check_schedule
from .versions import UNSTATED, VERSIONS, Version

OPERATOR = or_null(one_of(OR, AND))
_SEGMENT_NAME = Kind(
    lambda value: type(value) is dict or is_key(value),
    "a segment's key, or a mapping with 'keys' and 'operator'",
    "wrong-type",
    lambda value: "write {keys: [...]}" if type(value) is list else "",
)
_NAMESPACE_NAME = Kind(
    lambda value: type(value) is dict or is_key(value),
    "a key of letters, digits, '-', '_' and ',', or a mapping with 'key'",
    "bad-key",
)
DOCUMENT = Shape("a document", {"version": ANYTHING, "namespace": _NAMESPACE_NAME, "flags": LIST, "segments": LIST})
NAMESPACE = Shape("a namespace", {"key": KEY, "name": NAME, "description": TEXT_OR_NULL}, ("key",))
FLAG = Shape(
    "a flag",
    {
        "key": KEY,
        "name": NAME,
        "description": TEXT_OR_NULL,
        "enabled": BOOLEAN,
        "type": one_of(VARIANT_FLAG, BOOLEAN_FLAG),
        "variants": LIST,
        "rules": LIST,
        "rollouts": LIST,
        "metadata": MAPPING,
    },
    ("key", "name"),
)
VARIANT = Shape(
    "a variant",
    {"key": NAME, "name": NAME, "description": TEXT_OR_NULL, "attachment": ATTACHMENT, "default": BOOLEAN},
    ("key",),
)
RULE = Shape("a rule", {"segment": _SEGMENT_NAME, "rank": RANK, "distributions": LIST}, ("segment",))
RULE_SEGMENT = Shape("a rule's segment", {"keys": KEYS, "operator": OPERATOR})
DISTRIBUTION = Shape("a distribution", {"variant": NAME, "rollout": WEIGHT}, ("variant", "rollout"))
ROLLOUT = Shape("a rollout", {"description": TEXT_OR_NULL, "segment": MAPPING, "threshold": MAPPING})
ROLLOUT_SEGMENT = Shape("a rollout's segment", {"key": KEY, "keys": KEYS, "operator": OPERATOR, "value": BOOLEAN})
THRESHOLD = Shape("a threshold", {"percentage": PERCENTAGE, "value": BOOLEAN}, ("percentage",))


class Reference(NamedTuple):
    """A flag's use of a segment: the `number`th (from 0) of its `field` (`rules` or `rollouts`) names `segment`."""

    flag: int
    field: str
    number: int
    segment: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; flags and segments in `wrong` (as `("flags", 3)`) have errors and no normal form.

    A check that is not complete was given up: whatever it has not seen counts as wrong.
    """

    findings: Findings = field(default_factory=Findings)
    references: list[Reference] = field(default_factory=list)
    wrong: set[tuple[str, int]] = field(default_factory=set)
    is_complete: bool = True


def check_document(document: Any) -> Checked:
    """Everything wrong with one raw document by itself, and the segments its flags refer to."""
    checked = Checked()
    try:
        _check(document, checked)
    except TooManyProblems:
        return replace(checked, is_complete=False)
    return checked


def _check(document: Any, checked: Checked) -> None:
    findings = checked.findings
    if document is None or not check_fields(document, DOCUMENT, (), findings):
        return
    version = _version(document, findings)
    _check_namespace(document, findings)
    for index, segment in enumerate(items_of(document, "segments")):
        before = len(findings)
        check_segment(segment, ("segments", index), version, findings)
        _note_errors(checked, before, ("segments", index))
    for index, flag in enumerate(items_of(document, "flags")):
        before = len(findings)
        check_flag(flag, index, version, checked)
        _note_errors(checked, before, ("flags", index))


def _note_errors(checked: Checked, before: int, place: tuple[str, int]) -> None:
    if len(checked.findings) > before and any(found.severity == "error" for found in checked.findings[before:]):
        checked.wrong.add(place)


def _version(document: dict[str, Any], findings: list[Finding]) -> Version:
    if "version" not in document:
        return UNSTATED
    stated = document["version"]
    version = VERSIONS.get(stated) if isinstance(stated, str) else None
    if version:
        return version
    hint = f'quote it: version: "{stated}"' if str(stated) in VERSIONS else 'write version: "1.4", or leave it out'
    message = f'wanted a version from "1.0" to "1.6" as text, got {shown(stated)}'
    findings.append(Finding(("version",), "unknown-version", message, hint))
    return UNSTATED


def _check_namespace(document: dict[str, Any], findings: list[Finding]) -> None:
    namespace = document.get("namespace")
    key = namespace.get("key") if type(namespace) is dict else namespace
    if isinstance(key, str) and len(key) > LONGEST_NAMESPACE:
        message = f"wanted a namespace key of at most {LONGEST_NAMESPACE} characters, got {len(key)}"
        findings.append(Finding(("namespace",), "namespace-too-long", message, "shorten it: it becomes a file's name"))
    if type(namespace) is not dict:
        return
    if "key" not in namespace:
        message = "wanted a namespace to have 'key', got none; its flags could never be reached"
        findings.append(Finding(("namespace",), "namespace-without-key", message, "add key: default"))
    check_fields({"key": "default", **namespace}, NAMESPACE, ("namespace",), findings)


def check_flag(flag: Any, index: int, version: Version, checked: Checked) -> None:
    """Report everything wrong with one flag; note the segments it refers to."""
    findings, path = checked.findings, ("flags", index)
    before = len(findings)
    if not check_fields(flag, FLAG, path, findings):
        return
    _check_features(flag, path, version, findings)
    known = _check_variants(flag, path, version, findings)
    for number, rule in enumerate(items_of(flag, "rules")):
        _check_rule(rule, flag, known, Reference(index, "rules", number, ""), checked)
    for number, rollout in enumerate(items_of(flag, "rollouts")):
        _check_rollout(rollout, Reference(index, "rollouts", number, ""), checked)
    metadata = flag.get("metadata")
    if type(metadata) is dict:
        _check_metadata(metadata, (*path, "metadata"), findings)
        if metadata.get(SCHEDULE) is not None:
            here = (*path, "metadata", SCHEDULE)
            check_schedule(flag, here, findings, is_right=len(findings) == before)


def _check_features(flag: dict[str, Any], path: Path, version: Version, findings: list[Finding]) -> None:
    if "type" in flag and not version.flag_type:
        findings.append(_too_new((*path, "type"), "type", "1.1", version))
    if "metadata" in flag and not version.defaults_and_metadata:
        findings.append(_too_new((*path, "metadata"), "metadata", "1.3", version))
    if "rollouts" not in flag or flag.get("type") == BOOLEAN_FLAG:
        return
    if "type" in flag or not version.untyped_rollouts:
        message = "only boolean flags have rollouts, and this is a variant flag"
        hint = f"add type: {BOOLEAN_FLAG}, or use rules"
        findings.append(Finding((*path, "rollouts"), "rollouts-on-variant-flag", message, hint, on_key=True))


def _too_new(path: Path, name: str, since: str, version: Version) -> Finding:
    message = f'\'{name}\' needs version "{since}" or later, and this document says "{version.name}"'
    return Finding(path, "field-needs-version", message, f'write version: "{since}"', on_key=True)


def _check_variants(flag: dict[str, Any], path: Path, version: Version, findings: list[Finding]) -> set[str]:
    """The keys of the flag's variants, after each variant has been checked."""
    known = set()
    for number, variant in enumerate(items_of(flag, "variants")):
        here = (*path, "variants", number)
        if not check_fields(variant, VARIANT, here, findings):
            continue
        if isinstance(variant.get("key"), str):
            known.add(variant["key"])
        if "default" in variant and not version.defaults_and_metadata:
            findings.append(_too_new((*here, "default"), "default", "1.3", version))
        if "attachment" in variant and not is_plain(variant["attachment"]):
            check_plain(variant["attachment"], (*here, "attachment"), findings)
    return known


def _check_rule(rule: Any, flag: dict[str, Any], known: set[str], at: Reference, checked: Checked) -> None:
    findings = checked.findings
    path = ("flags", at.flag, "rules", at.number)
    if not check_fields(rule, RULE, path, findings):
        return
    segment = rule.get("segment")
    if type(segment) is dict:
        check_fields(segment, RULE_SEGMENT, (*path, "segment"), findings)
        _refer(items_of(segment, "keys"), at, checked)
    elif is_key(segment):
        _refer((segment,), at, checked)
    for number, distribution in enumerate(items_of(rule, "distributions")):
        here = (*path, "distributions", number)
        if check_fields(distribution, DISTRIBUTION, here, findings):
            variant = distribution.get("variant")
            if isinstance(variant, str) and variant and variant not in known:
                candidates = known if len(findings) < MOST_HINTS else ()
                findings.append(_unknown_variant(flag, variant, candidates, at, here))


def _unknown_variant(flag: dict[str, Any], variant: str, known: Collection[str], at: Reference, path: Path) -> Finding:
    message = f"rule {at.number + 1} of {shown(flag.get('key'))} names unknown variant {shown(variant)}"
    hint = did_you_mean(variant, known) or ("" if flag.get("variants") else "the flag has no variants")
    return Finding((*path, "variant"), "unknown-variant", message, hint)


def _check_rollout(rollout: Any, at: Reference, checked: Checked) -> None:
    findings = checked.findings
    path = ("flags", at.flag, "rollouts", at.number)
    if not check_fields(rollout, ROLLOUT, path, findings):
        return
    segment, threshold = rollout.get("segment"), rollout.get("threshold")
    if "segment" in rollout and "threshold" in rollout:
        message = "wanted a rollout with 'segment' or 'threshold', got both"
        findings.append(Finding(path, "ambiguous-rollout", message, "make two rollouts of it"))
    if type(threshold) is dict:
        check_fields(threshold, THRESHOLD, (*path, "threshold"), findings)
    if type(segment) is not dict:
        return
    check_fields(segment, ROLLOUT_SEGMENT, (*path, "segment"), findings)
    if ("key" in segment) == ("keys" in segment):
        got = "both" if "key" in segment else "neither"
        message = f"wanted a rollout's segment with 'key' or 'keys', got {got}"
        findings.append(Finding((*path, "segment"), "ambiguous-rollout", message, "keep one: keys: [...]"))
    key = segment.get("key")
    _refer((key,) if is_key(key) else items_of(segment, "keys"), at, checked)


def _refer(segments: Any, at: Reference, checked: Checked) -> None:
    for segment in segments:
        if isinstance(segment, str):
            checked.references.append(Reference(at.flag, at.field, at.number, segment))


def _check_metadata(metadata: dict[str, Any], path: Path, findings: list[Finding]) -> None:
    for name, value in metadata.items():
        if value is None:
            message = f"wanted a value for metadata '{name[:60]}', got null"
            findings.append(Finding((*path, name), "wrong-type", message, "leave the entry out"))
        elif name != SCHEDULE and not is_plain(value):
            check_plain(value, (*path, name), findings)
