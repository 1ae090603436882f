"""The snapshot: a release in memory, ready to evaluate; a flag is compiled when it is first asked for."""

from __future__ import annotations

from .compile import compile_flag, compile_segment, flag_type
from .errors import FlagNotFound, InvalidDocument, NamespaceNotFound, WrongFlagType
from .model import BOOLEAN_FLAG, PROFILES, VARIANT_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Protocol

    from .compile import Evaluate
    from .constraints import Predicate
    from .model import BooleanResult, Profile, VariantResult

    class Indexed(Protocol):
        """A namespace's flags and segments in normal form, by key."""

        namespace: str

        def flag(self, key: str) -> dict[str, Any] | None: ...
        def segment(self, key: str) -> dict[str, Any] | None: ...
        def flag_keys(self) -> list[str]: ...
        def flags(self) -> Iterator[dict[str, Any]]: ...


DEFAULT_NAMESPACE = "default"


class Snapshot:
    """The namespaces of one release under its evaluation profile."""

    __slots__ = ("namespaces", "profile")

    def __init__(self, profile: str, documents: Mapping[str, Indexed]) -> None:
        """`documents` maps a namespace to its document. Raises InvalidDocument for a profile this version lacks."""
        known = PROFILES.get(profile)
        if known is None:
            raise InvalidDocument(
                f"release wants evaluation profile {profile!r}, this burgee has {', '.join(PROFILES)}"
            )
        self.profile: Profile = known
        self.namespaces = {key: Namespace(key, document, known) for key, document in documents.items()}

    def namespace(self, key: str) -> Namespace:
        """The namespace of that key; empty means `default`. Raises NamespaceNotFound."""
        try:
            return self.namespaces[key or DEFAULT_NAMESPACE]
        except KeyError:
            raise NamespaceNotFound(key or DEFAULT_NAMESPACE) from None


class Namespace:
    """One namespace's flags, compiled on first use. Safe among threads: compiling twice gives the same."""

    __slots__ = ("_booleans", "_segments", "_variants", "document", "key", "profile")

    def __init__(self, key: str, document: Indexed, profile: Profile) -> None:
        self.key = key
        self.document = document
        self.profile = profile
        self._booleans: dict[str, Evaluate] = {}
        self._variants: dict[str, Evaluate] = {}
        self._segments: dict[str, Predicate] = {}

    def boolean(self, flag: str, entity: str, context: Mapping[str, str], at: int) -> BooleanResult:
        """Evaluate a boolean flag at an instant (milliseconds). Raises FlagNotFound, WrongFlagType."""
        evaluate = self._booleans.get(flag) or self._compiled(flag, BOOLEAN_FLAG)
        result: BooleanResult = evaluate(entity, context, at)
        return result

    def variant(self, flag: str, entity: str, context: Mapping[str, str], at: int) -> VariantResult:
        """Evaluate a variant flag at an instant (milliseconds). Raises FlagNotFound, WrongFlagType."""
        evaluate = self._variants.get(flag) or self._compiled(flag, VARIANT_FLAG)
        result: VariantResult = evaluate(entity, context, at)
        return result

    def evaluate(self, flag: str, entity: str, context: Mapping[str, str], at: int) -> BooleanResult | VariantResult:
        """Evaluate a flag of either type at an instant (milliseconds). Raises FlagNotFound."""
        evaluate = self._booleans.get(flag) or self._variants.get(flag) or self._compiled(flag, None)
        result: BooleanResult | VariantResult = evaluate(entity, context, at)
        return result

    def _compiled(self, key: str, wanted: str | None) -> Evaluate:
        flag = self.document.flag(key) if key else None
        if flag is None:
            raise FlagNotFound(self.key, key)
        kind = flag_type(flag)
        if wanted is not None and kind != wanted:
            raise WrongFlagType(kind)
        evaluate = compile_flag(flag, self._segment, self.profile)
        (self._booleans if kind == BOOLEAN_FLAG else self._variants)[key] = evaluate
        return evaluate

    def _segment(self, key: str) -> Predicate:
        found = self._segments.get(key)
        if found is None:
            found = self._segments[key] = compile_segment(self.document.segment(key), self.profile.dialect)
        return found
