"""The snapshot: a release in memory, ready to evaluate; a flag is compiled when it is first asked for."""

from __future__ import annotations

from .compile import Compiler, flag_type
from .errors import BurgeeError, FlagNotFound, InvalidDocument, NamespaceNotFound, WrongFlagType
from .model import BOOLEAN_FLAG, PROFILES, VARIANT_FLAG
from .schedule import flag_at, is_scheduled, next_step
from .segments import all_of_these, compile_segment, everybody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Protocol

    from .batch import Batch
    from .compile import Result, Row, Stamp
    from .context import Context
    from .model import BooleanResult, Profile, VariantResult
    from .segments import Predicate

    class Indexed(Protocol):
        """A namespace's flags and segments in normal form, by key."""

        namespace: str

        def flag(self, key: str) -> dict[str, Any] | None: ...
        def segment(self, key: str) -> dict[str, Any] | None: ...
        def flag_keys(self) -> list[str]: ...
        def flags(self) -> Iterator[dict[str, Any]]: ...
        def next_step(self, at: int) -> int | None: ...


DEFAULT_NAMESPACE = "default"
_FOR_EVER = float("inf")


class Snapshot:
    """The namespaces of one release under its evaluation profile."""

    __slots__ = ("namespaces", "profile")

    def __init__(self, profile: str, documents: Mapping[str, Indexed], *, revision: int = 0, digest: str = "") -> None:
        """`documents` maps a namespace to its document; every result names `revision` and `digest`.

        Raises InvalidDocument for a profile this version lacks.
        """
        known = PROFILES.get(profile) if isinstance(profile, str) else None
        if known is None:
            raise InvalidDocument(
                f"release wants evaluation profile {profile!r}, this burgee has {', '.join(PROFILES)}"
            )
        self.profile: Profile = known
        self.namespaces = {
            key: Namespace(key, document, known, (revision, digest, False)) for key, document in documents.items()
        }

    def namespace(self, key: str) -> Namespace:
        """The namespace of that key; empty means `default`. Raises NamespaceNotFound."""
        try:
            return self.namespaces[key or DEFAULT_NAMESPACE]
        except KeyError:
            raise NamespaceNotFound(key or DEFAULT_NAMESPACE) from None


class Namespace:
    """One namespace's flags, compiled on first use. Safe among threads: compiling twice gives the same.

    `booleans` and `variants` hold the rows of the flags that have been asked for, by key. Those of flags with a
    schedule are held apart, each with the instants from which and until which it is right.
    """

    __slots__ = (
        *("_batch", "_compiler", "_dated", "_joined", "_segments"),
        *("booleans", "document", "key", "profile", "stamp", "variants"),
    )

    def __init__(self, key: str, document: Indexed, profile: Profile, stamp: Stamp = (0, "", False)) -> None:
        """`stamp` is the revision and digest that results name, and whether they are stale."""
        self.key = key
        self.document = document
        self.profile = profile
        self.booleans: dict[str, Row] = {}
        self.variants: dict[str, Row] = {}
        self.stamp = stamp
        self._dated: dict[str, tuple[float, float, str, Row]] = {}
        self._compiler = Compiler(profile, stamp, self._segment, self._all_of)
        self._segments: dict[str, Predicate] = {}
        self._joined: dict[tuple[str, ...], Predicate] = {(): everybody}
        self._batch: Batch | None = None

    def boolean(self, flag: str, entity: str, context: Context, at: int) -> BooleanResult:
        """Evaluate a boolean flag at an instant (milliseconds).

        Raises FlagNotFound, WrongFlagType, InvalidContext; TargetingKeyMissing where NOBODY would need a bucket.
        """
        row = self.booleans.get(flag) or self._compiled(flag, BOOLEAN_FLAG, at)
        result: BooleanResult = row[0](row, entity, context)
        return result

    def variant(self, flag: str, entity: str, context: Context, at: int) -> VariantResult:
        """Evaluate a variant flag at an instant (milliseconds). Raises as `boolean` does."""
        row = self.variants.get(flag) or self._compiled(flag, VARIANT_FLAG, at)
        result: VariantResult = row[0](row, entity, context)
        return result

    def evaluate(self, flag: str, entity: str, context: Context, at: int) -> Result:
        """Evaluate a flag of either type at an instant (milliseconds). Raises as `boolean` does, save WrongFlagType."""
        row = self.booleans.get(flag) or self.variants.get(flag) or self._compiled(flag, None, at)
        result: Result = row[0](row, entity, context)
        return result

    def evaluate_all(self, entity: str, context: Context, at: int) -> dict[str, Result]:
        """Evaluate every flag at an instant (milliseconds); results by key, sorted. Raises as `evaluate` does."""
        try:
            batch = self._batch or self._whole()
            answers = batch.evaluate(entity, context)
            for flag in batch.left:
                answers[flag] = self.evaluate(flag, entity, context, at)
            return answers
        except BurgeeError:
            # Together more is looked at than by each flag alone: only what fails for one of them fails.
            return {flag: self.evaluate(flag, entity, context, at) for flag in self.document.flag_keys()}

    def stale_twin(self) -> Namespace:
        """The same flags, with results that say that they are stale."""
        revision, digest, _ = self.stamp
        return Namespace(self.key, self.document, self.profile, (revision, digest, True))

    def _compiled(self, key: str, wanted: str | None, at: int) -> Row:
        dated = self._dated.get(key)
        if dated is not None:
            since, until, kind, row = dated
            if since <= at < until and wanted in (None, kind):
                return row
        flag = self.document.flag(key) if key and isinstance(key, str) else None
        if flag is None:
            raise FlagNotFound(self.key, key)
        kind = flag_type(flag)
        if wanted is not None and kind != wanted:
            raise WrongFlagType(kind)
        return self._keep(flag, at)

    def _keep(self, flag: Mapping[str, Any], at: int) -> Row:
        key, kind = flag["key"], flag_type(flag)
        try:
            row = self._compiler.compile(flag_at(flag, at))
        except InvalidDocument as error:
            raise InvalidDocument(f"namespace {self.key!r}: {error}") from error
        if is_scheduled(flag):
            until = next_step(flag, at)
            self._dated[key] = (at, _FOR_EVER if until is None else until, kind, row)
        else:
            (self.booleans if kind == BOOLEAN_FLAG else self.variants)[key] = row
        return row

    def _whole(self) -> Batch:
        from .batch import Batch

        rows: dict[str, Row | None] = {}
        for flag in self.document.flags():
            key = flag["key"]
            known = self.booleans.get(key) or self.variants.get(key)
            rows[key] = known or (None if is_scheduled(flag) else self._keep(flag, 0))
        self._batch = Batch(rows)
        return self._batch

    def _segment(self, key: str) -> Predicate:
        found = self._segments.get(key)
        if found is None:
            found = self._segments[key] = compile_segment(self.document.segment(key), self.profile.dialect)
        return found

    def _all_of(self, keys: tuple[str, ...]) -> Predicate:
        found = self._joined.get(keys)
        if found is None:
            found = self._joined[keys] = all_of_these([self._segment(key) for key in keys])
        return found
