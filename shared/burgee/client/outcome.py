"""What there is to say of an outcome besides its value, in OpenFeature's words.

Sources: OpenFeature specification, types (reasons), appendices D (telemetry) and F (what STATIC and DISABLED mean).
"""

from __future__ import annotations

from ..core.compile import usable
from ..core.model import AND, FLAG_DISABLED, MATCH, BooleanResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn, TypeAlias

    from ..core.compile import Result

    Scalar: TypeAlias = str | int | float | bool

TARGETING_MATCH, SPLIT, STATIC, DEFAULT, DISABLED = "TARGETING_MATCH", "SPLIT", "STATIC", "DEFAULT", "DISABLED"

# In an author's metadata these are burgee's own, and no business of the application.
_OURS = "burgee."


class Metadata(dict[str, "Scalar"]):
    """What is said of an outcome. It does not change, as all who get the outcome share it; copies of it do."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the metadata of a flag is shared: change a copy of it")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Scalar]]]:
        return dict, (dict(self),)


def variant_of(result: Result) -> str | None:
    """The name of the value that was chosen; None when there is none, as in a disabled variant flag."""
    if isinstance(result, BooleanResult):
        return "true" if result.enabled else "false"
    return None if result.reason == FLAG_DISABLED else result.variant_key or None


def reason_of(result: Result, flag: Mapping[str, Any] | None) -> str:
    """Why that value; `flag` is the flag in normal form, and without it a percentage is not told from a segment."""
    if result.reason == FLAG_DISABLED:
        return DISABLED
    if variant_of(result) is None:
        return DEFAULT
    if result.reason == MATCH:
        return SPLIT if flag is not None and _is_split(result, flag) else TARGETING_MATCH
    is_static = flag is not None and not flag.get("rules") and not flag.get("rollouts")
    return STATIC if is_static else DEFAULT


def metadata_of(result: Result, flag: Mapping[str, Any] | None, environment: str, namespace: str) -> Metadata:
    """Which release answered from where, what matched, and the scalars that the author wrote into the metadata."""
    metadata: dict[str, Scalar] = {
        # Names that OpenFeature's telemetry looks for. An author may say better what version a flag has.
        "flagSetId": f"{environment}/{namespace}",
        "version": str(result.revision),
        **_authored(flag),
        "environment": environment,
        "namespace": namespace,
        "revision": result.revision,
        "digest": result.digest,
    }
    if result.segment_keys:
        metadata["segments"] = ",".join(result.segment_keys)
    if not isinstance(result, BooleanResult) and result.attachment is not None and variant_of(result) is not None:
        metadata["attachment"] = result.attachment
    if result.stale:
        # OpenFeature has one word for why, and that is STALE then.
        metadata["reason"] = reason_of(result, flag)
    return Metadata(metadata)


def _authored(flag: Mapping[str, Any] | None) -> dict[str, Scalar]:
    written = (flag or {}).get("metadata", {})
    return {
        name: value
        for name, value in written.items()
        if isinstance(value, str | int | float) and not name.startswith(_OURS)
    }


def _is_split(result: Result, flag: Mapping[str, Any]) -> bool:
    """Whether a percentage decided."""
    if isinstance(result, BooleanResult):
        return not result.segment_keys
    # An earlier rule with these segments would have matched before this one.
    decided: Mapping[str, Any] = next(
        (rule for rule in flag.get("rules", ()) if _could_match(rule, result.segment_keys)), {}
    )
    return len(usable(decided.get("distributions", ()))) > 1


def _could_match(rule: Mapping[str, Any], matched: Sequence[str]) -> bool:
    keys = set(rule["segment"].get("keys", ()))
    if rule["segment"].get("operator") == AND:
        return keys == set(matched)
    return not keys.isdisjoint(matched)
