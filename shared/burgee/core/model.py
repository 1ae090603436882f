"""Words of the domain: types, reasons, profiles and the results of an evaluation."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
    from typing import Any, NamedTuple

    class _Boolean(NamedTuple):
        flag_key: str
        enabled: bool
        reason: str
        segment_keys: tuple[str, ...]
        revision: int = 0
        digest: str = ""
        stale: bool = False

    class _Variant(NamedTuple):
        flag_key: str
        match: bool
        variant_key: str
        attachment: str | None
        reason: str
        segment_keys: tuple[str, ...]
        revision: int = 0
        digest: str = ""
        stale: bool = False

else:
    from .records import namedtuple

    _Boolean = namedtuple(
        "_Boolean", "flag_key enabled reason segment_keys revision digest stale", defaults=(0, "", False)
    )
    _Variant = namedtuple(
        "_Variant",
        "flag_key match variant_key attachment reason segment_keys revision digest stale",
        defaults=(0, "", False),
    )

BOOLEAN_FLAG = "BOOLEAN_FLAG_TYPE"
VARIANT_FLAG = "VARIANT_FLAG_TYPE"

AND = "AND_SEGMENT_OPERATOR"
OR = "OR_SEGMENT_OPERATOR"
ALL = "ALL_MATCH_TYPE"
ANY = "ANY_MATCH_TYPE"

STRING = "STRING_COMPARISON_TYPE"
NUMBER = "NUMBER_COMPARISON_TYPE"
BOOLEAN = "BOOLEAN_COMPARISON_TYPE"
DATETIME = "DATETIME_COMPARISON_TYPE"
ENTITY_ID = "ENTITY_ID_COMPARISON_TYPE"

MATCH = "MATCH_EVALUATION_REASON"
DEFAULT = "DEFAULT_EVALUATION_REASON"
FLAG_DISABLED = "FLAG_DISABLED_EVALUATION_REASON"
UNKNOWN = "UNKNOWN_EVALUATION_REASON"


class BooleanResult(_Boolean):
    """The answer of a boolean flag; true where the flag is on.

    `segment_keys` is a tuple of the segments that matched, in authored order; `revision` and `digest` name the release
    and the bundle that answered; `stale` says that they could not be looked at anew for longer than was wanted.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.enabled


class VariantResult(_Variant):
    """The answer of a variant flag; true where a rule matched.

    `variant_key` is empty when no variant was chosen; `attachment` is canonical JSON text, or None when the variant
    has none or there is no variant. A disabled flag still names its default variant, with `match` false. The last three
    are those of BooleanResult.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.match

    @property
    def attachment_value(self) -> Any:
        """The attachment as Python has it, read anew each time; None when there is none."""
        if self.attachment is None:
            return None
        from json import loads

        return loads(self.attachment)


class Profile(namedtuple("Profile", "name buckets dialect disabled_reason")):
    """Whose behaviour an evaluation reproduces.

    `buckets` is the arithmetic of distributions: S1 (Flipt servers to 2.8), S2 (servers from 2.9) or C (clients).
    `dialect` is how constraints read their texts: `server` or `client`. With `disabled_reason` a disabled boolean
    flag without rollouts says FLAG_DISABLED instead of DEFAULT.
    """

    __slots__ = ()


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("C/server", "C", "server", True),
        Profile("S1/server", "S1", "server", False),
        Profile("S2/server", "S2", "server", False),
        Profile("S2+/server", "S2", "server", True),
        Profile("C/client", "C", "client", False),
        Profile("C+/client", "C", "client", True),
    )
}
DEFAULT_PROFILE = "C/server"
