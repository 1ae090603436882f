"""The document that Flipt's client SDKs fetch, made from one of ours.

Sources: Flipt semantics 4.1 (shape), 4.2 (what clients require), 4.5 (serving it from a static host). Zero values are
written out, segments are repeated whole inside each rule, and flags with a schedule are as they are at an instant that
is given: nothing depends on the time of making.
"""

from __future__ import annotations

from hashlib import sha1
from operator import itemgetter

from ..core.compile import attachment_text, default_variant, flag_type
from ..core.json_text import json_text, quoted
from ..core.model import AND, ANY, OR
from ..core.schedule import flag_at
from .digest import encode_text, ordered_json, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..core.snapshot import Indexed
    from .document import Keeping

    SegmentsOf = Callable[[Mapping[str, Any]], str]

_KEY_AND_ROLLOUT = itemgetter("variant", "rollout")


def client_snapshot(document: Indexed, at: int, keeping: Keeping = lambda write: write) -> tuple[bytes, str]:
    """(bytes, ETag): the client snapshot of a namespace at an instant (milliseconds), and 40 hexadecimal digits for it.

    It is right until the document's next step. `keeping` gets what writes a flag, and may give one that remembers: a
    flag's text depends on the segments too. Raises InvalidDocument for a schedule that cannot be understood.
    """
    embedded, write = _Segments(document).embedded, keeping(_flag)
    namespace = encode_text(ordered_json({"key": document.namespace}))
    flags = encode_text(written(lambda: ",".join([write(flag_at(flag, at), embedded) for flag in document.flags()])))
    etag = sha1(b"%b[%b]" % (namespace, flags), usedforsecurity=False).hexdigest()
    return b'{"namespace":%b,"flags":[%b],"digest":"%b"}' % (namespace, flags, etag.encode()), etag


def empty_client_snapshot(namespace: str) -> bytes:
    """What overwrites the snapshot of a namespace that is gone: no flags."""
    return ordered_json({"namespace": {"key": namespace}, "flags": []}).encode()


class _Segments:
    """Segments as snapshots embed them, each written once: most of a snapshot is segments, repeated."""

    def __init__(self, document: Indexed) -> None:
        self._document = document
        self._written: dict[str, str] = {}

    def embedded(self, segment: Mapping[str, Any]) -> str:
        """The list of the segments that a rule or rollout names."""
        return f"[{','.join([self._written.get(key) or self._write(key) for key in _distinct_keys(segment)])}]"

    def _write(self, key: str) -> str:
        text = self._written[key] = json_text(_segment(key, self._document.segment(key)))
        return text


def _flag(flag: Mapping[str, Any], segments_of: SegmentsOf) -> str:
    # Written as text piece by piece: as one value that holds every segment as often as it is used, it takes twice as
    # long.
    key, name, description = flag["key"], flag.get("name", ""), flag.get("description", "")
    shares = {variant["key"]: _share(variant) for variant in reversed(flag.get("variants", ()))}
    rules = [_rule(key, rank, rule, shares, segments_of) for rank, rule in enumerate(flag.get("rules", ()), 1)]
    rollouts = [_rollout(rank, rollout, segments_of) for rank, rollout in enumerate(flag.get("rollouts", ()), 1)]
    return (
        f'{{"key":{quoted(key)},"name":{quoted(name)},"description":{quoted(description)},'
        f'"enabled":{_word(flag.get("enabled"))},"type":"{flag_type(flag)}",'
        f'"rules":[{",".join(rules)}],"rollouts":[{",".join(rollouts)}]{_default(flag)}}}'
    )


def _default(flag: Mapping[str, Any]) -> str:
    default = default_variant(flag)
    if default is None:
        return ""
    identifier, key = f"{flag['key']}/{default['key']}", default["key"]
    return f',"defaultVariant":{{"id":{quoted(identifier)},"key":{quoted(key)},"attachment":{_attachment(default)}}}'


def _share(variant: Mapping[str, Any]) -> str:
    """What a distribution says of its variant."""
    return f'"variantKey":{quoted(variant["key"])},"variantAttachment":{_attachment(variant)}'


def _attachment(variant: Mapping[str, Any]) -> str:
    return quoted(attachment_text(variant) or "null")


def _rule(flag: str, rank: int, rule: Mapping[str, Any], shares: Mapping[str, str], segments_of: SegmentsOf) -> str:
    identifier, segment = quoted(f"{flag}/{rank}"), rule["segment"]
    distributions = [
        f'{{"ruleId":{identifier},{shares.get(key) or _share({"key": key})},"rollout":{json_text(rollout)}}}'
        for key, rollout in map(_KEY_AND_ROLLOUT, rule.get("distributions", ()))
    ]
    return (
        f'{{"id":{identifier},"segments":{segments_of(segment)},"rank":{rank},'
        f'"segmentOperator":"{_operator(segment)}","distributions":[{",".join(distributions)}]}}'
    )


def _rollout(rank: int, rollout: Mapping[str, Any], segments_of: SegmentsOf) -> str:
    if threshold := rollout.get("threshold"):
        percentage, value = json_text(threshold["percentage"]), _word(threshold.get("value"))
        decided = f'"threshold":{{"percentage":{percentage},"value":{value}}}'
        return f'{{"type":"THRESHOLD_ROLLOUT_TYPE","rank":{rank},{decided}}}'
    if segment := rollout.get("segment"):
        value, operator = _word(segment.get("value")), _operator(segment)
        decided = f'"value":{value},"segmentOperator":"{operator}","segments":{segments_of(segment)}'
        return f'{{"type":"SEGMENT_ROLLOUT_TYPE","rank":{rank},"segment":{{{decided}}}}}'
    return f'{{"type":"UNKNOWN_ROLLOUT_TYPE","rank":{rank}}}'


def _word(value: object) -> str:
    return "true" if value else "false"


def _segment(key: str, segment: Mapping[str, Any] | None) -> dict[str, Any]:
    if segment is None:
        # Left out, AND would match everybody; so what cannot be found is sent as what nobody matches.
        nobody = {"type": "UNKNOWN_CONSTRAINT_COMPARISON_TYPE", "property": "", "operator": "", "value": ""}
        return {"key": key, "matchType": "ALL_SEGMENT_MATCH_TYPE", "constraints": [nobody]}
    return {
        "key": key,
        "name": "",
        "description": "",
        "matchType": "ANY_SEGMENT_MATCH_TYPE" if segment.get("match_type") == ANY else "ALL_SEGMENT_MATCH_TYPE",
        "constraints": [_constraint(constraint) for constraint in segment.get("constraints", ())],
    }


def _constraint(constraint: Mapping[str, Any]) -> dict[str, str]:
    return {
        "type": constraint["type"].replace("_COMPARISON_TYPE", "_CONSTRAINT_COMPARISON_TYPE"),
        "property": constraint["property"],
        "operator": constraint["operator"],
        "value": constraint.get("value", ""),
    }


def _operator(segment: Mapping[str, Any]) -> str:
    return AND if segment.get("operator") == AND else OR


def _distinct_keys(segment: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(segment.get("keys", ())))
