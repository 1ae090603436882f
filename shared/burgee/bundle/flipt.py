"""The document that Flipt's client SDKs fetch, made from one of ours.

Sources: Flipt semantics 4.1 (shape), 4.2 (what clients require), 4.5 (serving it from a static host). Zero values are
written out, segments are repeated whole inside each rule, and nothing depends on the time of making.
"""

from __future__ import annotations

from hashlib import sha1

from ..core.compile import attachment_text, default_variant, flag_type
from ..core.model import AND, ANY, OR
from .digest import encode_text, ordered_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..core.snapshot import Indexed

    SegmentOf = Callable[[str], dict[str, Any]]


def client_snapshot(document: Indexed) -> tuple[bytes, str]:
    """(bytes, ETag): the client snapshot of a namespace and the 40 hexadecimal digits that name it."""
    segments = _Segments(document)
    namespace = ordered_json({"key": document.namespace})
    flags = ordered_json([_flag(flag, segments.embedded) for flag in document.flags()])
    etag = sha1(encode_text(namespace + flags), usedforsecurity=False).hexdigest()
    return encode_text(f'{{"namespace":{namespace},"flags":{flags},"digest":"{etag}"}}'), etag


def empty_client_snapshot(namespace: str) -> bytes:
    """What overwrites the snapshot of a namespace that is gone: no flags."""
    return ordered_json({"namespace": {"key": namespace}, "flags": []}).encode()


class _Segments:
    """Segments as snapshots embed them, each converted once."""

    def __init__(self, document: Indexed) -> None:
        self._document = document
        self._embedded: dict[str, dict[str, Any]] = {}

    def embedded(self, key: str) -> dict[str, Any]:
        found = self._embedded.get(key)
        if found is None:
            found = self._embedded[key] = _segment(key, self._document.segment(key))
        return found


def _flag(flag: Mapping[str, Any], segment_of: SegmentOf) -> dict[str, Any]:
    written = {
        "key": flag["key"],
        "name": flag.get("name", ""),
        "description": flag.get("description", ""),
        "enabled": bool(flag.get("enabled")),
        "type": flag_type(flag),
        "rules": [_rule(flag, rank, rule, segment_of) for rank, rule in enumerate(flag.get("rules", ()), 1)],
        "rollouts": [_rollout(rank, rollout, segment_of) for rank, rollout in enumerate(flag.get("rollouts", ()), 1)],
    }
    if default := default_variant(flag):
        written["defaultVariant"] = {
            "id": f"{flag['key']}/{default['key']}",
            "key": default["key"],
            "attachment": attachment_text(default) or "null",
        }
    return written


def _rule(flag: Mapping[str, Any], rank: int, rule: Mapping[str, Any], segment_of: SegmentOf) -> dict[str, Any]:
    identifier = f"{flag['key']}/{rank}"
    attachments = {variant["key"]: attachment_text(variant) or "null" for variant in reversed(flag.get("variants", ()))}
    return {
        "id": identifier,
        "segments": [segment_of(key) for key in _distinct_keys(rule["segment"])],
        "rank": rank,
        "segmentOperator": _operator(rule["segment"]),
        "distributions": [
            {
                "ruleId": identifier,
                "variantKey": distribution["variant"],
                "variantAttachment": attachments.get(distribution["variant"], "null"),
                "rollout": distribution["rollout"],
            }
            for distribution in rule.get("distributions", ())
        ],
    }


def _rollout(rank: int, rollout: Mapping[str, Any], segment_of: SegmentOf) -> dict[str, Any]:
    if threshold := rollout.get("threshold"):
        value = bool(threshold.get("value"))
        return {
            "type": "THRESHOLD_ROLLOUT_TYPE",
            "rank": rank,
            "threshold": {"percentage": threshold["percentage"], "value": value},
        }
    if segment := rollout.get("segment"):
        embedded = {
            "value": bool(segment.get("value")),
            "segmentOperator": _operator(segment),
            "segments": [segment_of(key) for key in _distinct_keys(segment)],
        }
        return {"type": "SEGMENT_ROLLOUT_TYPE", "rank": rank, "segment": embedded}
    return {"type": "UNKNOWN_ROLLOUT_TYPE", "rank": rank}


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
