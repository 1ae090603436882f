"""Builders of documents in normal form, for tests: each has a sensible default and takes what the test is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from burgee.bundle.digest import canonical_json
from burgee.bundle.document import Document, encode
from burgee.core.model import ALL, AND, ANY, BOOLEAN_FLAG, DEFAULT_PROFILE, ENTITY_ID, MATCH, STRING
from burgee.core.schedule import SCHEDULE
from burgee.core.snapshot import Namespace, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Normal = dict[str, Any]


def a_constraint(property: str, operator: str, value: str = "", *, type: str = STRING) -> Normal:  # noqa: A002
    """A constraint on texts unless `type` says otherwise; an empty value is left out, as all defaults are."""
    constraint = {"type": type, "property": property, "operator": operator}
    return {**constraint, "value": value} if value else constraint


def an_entity_constraint(operator: str, value: str = "") -> Normal:
    return a_constraint("entity", operator, value, type=ENTITY_ID)


def a_segment(key: str = "yes", constraints: Iterable[Normal] = (), *, any_of: bool = False) -> Normal:
    """A segment; without constraints it matches everybody."""
    segment: Normal = {"key": key, "name": key, "match_type": ANY if any_of else ALL}
    listed = list(constraints)
    return {**segment, "constraints": listed} if listed else segment


def named(*keys: str, every: bool = False) -> Normal:
    """The segments a rule or rollout names; `every` asks for all of them (AND)."""
    return {"keys": list(keys), "operator": AND} if every else {"keys": list(keys)}


def a_rule(segment: Normal | str = "yes", split: Sequence[tuple[str, float]] = ()) -> Normal:
    """A rule; `split` lists (variant, weight)."""
    rule: Normal = {"segment": named(segment) if isinstance(segment, str) else segment}
    distributions = [{"variant": variant, "rollout": weight} for variant, weight in split]
    return {**rule, "distributions": distributions} if distributions else rule


def a_threshold(percentage: float, *, value: bool = True) -> Normal:
    threshold: Normal = {"percentage": percentage}
    return {"threshold": {**threshold, "value": True} if value else threshold}


def a_segment_rollout(*keys: str, every: bool = False, value: bool = True) -> Normal:
    segment = named(*keys, every=every)
    return {"segment": {**segment, "value": True} if value else segment}


def a_variant(key: str, attachment: Any = None, *, default: bool = False) -> Normal:
    variant: Normal = {"key": key}
    if attachment is not None:
        variant["attachment"] = attachment
    return {**variant, "default": True} if default else variant


def a_flag(key: str = "flag", *, enabled: bool = True, **fields: Any) -> Normal:
    """A variant flag."""
    flag: Normal = {"key": key, "name": key, **fields}
    return {**flag, "enabled": True} if enabled else flag


def a_boolean_flag(key: str = "flag", *rollouts: Normal, enabled: bool = False) -> Normal:
    fields: Normal = {"rollouts": list(rollouts)} if rollouts else {}
    return a_flag(key, enabled=enabled, type=BOOLEAN_FLAG, **fields)


def scheduled(flag: Normal, *steps: Normal) -> Normal:
    """The flag with a schedule; steps are as documents have them, in order of time."""
    metadata = {**flag.get("metadata", {}), SCHEDULE: canonical_json(list(steps))}
    return {**flag, "metadata": metadata}


YES = a_segment("yes", [a_constraint("p", "eq", "y")])
NO = a_segment("no", [a_constraint("p", "eq", "n")])
EVERYBODY = a_segment("everybody")


def a_document(
    flags: Iterable[Normal] = (), segments: Iterable[Normal] = (YES, NO, EVERYBODY), namespace: str | Normal = "default"
) -> Document:
    return Document(encode({"namespace": namespace, "flags": list(flags), "segments": list(segments)}))


def a_namespace(
    *flags: Normal, segments: Iterable[Normal] = (YES, NO, EVERYBODY), profile: str = DEFAULT_PROFILE
) -> Namespace:
    document = a_document(flags, segments)
    return Snapshot(profile, {document.namespace: document}).namespace("")


def outcome_of(
    flag: Normal,
    context: dict[str, str] | None = None,
    *,
    entity: str = "user-1",
    segments: Iterable[Normal] = (YES, NO, EVERYBODY),
    profile: str = DEFAULT_PROFILE,
) -> Any:
    """The BooleanResult or VariantResult of one flag; the context is `p=y` unless given."""
    namespace = a_namespace(flag, segments=segments, profile=profile)
    return namespace.evaluate(flag["key"], entity, {"p": "y"} if context is None else context, 0)


def matches(constraint: Normal, text: str | None, *, dialect: str = "server") -> bool:
    """Whether a segment with just this constraint matches when its property, or the entity's id, is `text`."""
    of_entity = constraint["type"] == ENTITY_ID
    context = {} if of_entity or text is None else {constraint["property"]: text}
    answer = outcome_of(
        a_boolean_flag("flag", a_segment_rollout("only")),
        context,
        entity=(text or "") if of_entity else "somebody",
        segments=[a_segment("only", [constraint])],
        profile={"server": "C/server", "client": "C/client"}[dialect],
    )
    return bool(answer.reason == MATCH)
