"""The flags of one namespace, evaluated in this process.

Law: while nothing is due an evaluation is a look at the clock, one into a table, and the flag's own function. All else
happens on the slow way, which is taken when something is due, odd or wrong, and by flags with a schedule. It goes by
both clocks, the fast way by the wall clock alone, within bounds that are at most one TTL apart (docs/decisions/0011).
"""

from __future__ import annotations

from ..core.errors import BurgeeError, FlagNotFound, InvalidContext, WrongFlagType
from ..core.model import BooleanResult, VariantResult
from ..core.schedule import flag_at
from ..core.snapshot import DEFAULT_NAMESPACE, Namespace
from .advice import Excuses, Guesses
from .hooks import log_fault
from .odd import Texts, all_texts, entity_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias, TypeVar

    from ..core.compile import Row
    from ..core.context import Context
    from .reader import Reader

    Result: TypeAlias = BooleanResult | VariantResult
    Answer = TypeVar("Answer")
    # Of a namespace, an entity, a context and an instant.
    Evaluate: TypeAlias = Callable[[Namespace, Any, Any, int], Answer]
    OnExposure = Callable[[Result, str, Mapping[str, str]], object]

NO_CONTEXT: Context = {}
# What evaluation raises for an entity or context that is not as usual.
_ODD = (TypeError, AttributeError, ValueError, InvalidContext)
# Whatever goes wrong on the fast way is told on the slow one.
_ANY = (*_ODD, BurgeeError, KeyError)
_NOTHING = Namespace("", None, None)  # type: ignore[arg-type]
_NEVER: tuple[float, float, dict[str, Row], dict[str, Row], Namespace] = (0.0, 0.0, {}, {}, _NOTHING)


class Flags:
    """The flags of one namespace of an environment. Safe among threads, after a fork, and on event loops.

    An entity id is what percentages are made of; a context maps names to texts, numbers, booleans or None. Without a
    `default` what is wrong is raised: FlagNotFound, WrongFlagType, NamespaceNotFound, InvalidContext, and NotReady as
    long as there is no release to answer from. With one it is answered instead, the reason saying what was wrong.
    """

    __slots__ = (
        "_excuses",
        "_fast",
        "_forgotten",
        "_guesses",
        "_instant",
        "_kept",
        "_namespace",
        "_now",
        "_on_exposure",
        "_reader",
        "_stale",
    )

    def __init__(
        self,
        reader: Reader,
        namespace: str,
        on_exposure: OnExposure | None,
        now: Callable[[], float],
    ) -> None:
        """Made by Client; `now` is the wall clock in seconds."""
        self._reader = reader
        self._namespace = namespace
        self._on_exposure = on_exposure
        self._now = now
        # What schedules go by, and the switch to a pending release too.
        self._instant = reader.instant
        self._excuses = Excuses()
        self._guesses = Guesses()
        self._stale: tuple[Namespace, Namespace] | None = None
        # What to answer from, and when: from the first wall instant until before the last. Replaced whole, so that an
        # evaluation sees one release. With a hook for exposures the fast way stays shut.
        self._kept = _NEVER
        self._fast = _NEVER
        self._forgotten = 0

    def boolean(
        self, flag: str, entity: str | None, context: Context = NO_CONTEXT, default: bool | None = None
    ) -> BooleanResult:
        """Evaluate a boolean flag; the result is true where the flag is on.

        `entity` is whom percentages are made of, None or NOBODY if that is not known; `context` maps names to texts,
        numbers, booleans or None. Raises FlagNotFound, WrongFlagType, NamespaceNotFound, InvalidContext,
        TargetingKeyMissing where nobody would need a percentage, and NotReady; with a `default` that is answered
        instead, its reason says so, and the first time the log does.
        """
        # Here and in `variant` in full: to call what both share would take a tenth of the evaluation.
        first, last, rows, _, _ = self._fast
        if first <= self._now() < last:
            try:
                row = rows[flag]
                answer: BooleanResult = row[0](row, entity, context)
                return answer
            except _ANY:
                pass
        try:
            return self._slowly(lambda names, who, what, at: names.boolean(flag, who, what, at), entity, context)
        except BurgeeError as error:
            if default is None:
                self._advise(error, flag)
                raise
            return BooleanResult(flag, default, self._excuses.reason(error, flag), ())

    def variant(
        self, flag: str, entity: str | None, context: Context = NO_CONTEXT, default: str | None = None
    ) -> VariantResult:
        """Evaluate a variant flag; `variant_key` is empty when no variant was chosen, and the result true where a rule
        matched: a default variant is named by a result that is false.

        Arguments and errors are those of `boolean`.
        """
        first, last, _, rows, _ = self._fast
        if first <= self._now() < last:
            try:
                row = rows[flag]
                answer: VariantResult = row[0](row, entity, context)
                return answer
            except _ANY:
                pass
        try:
            return self._slowly(lambda names, who, what, at: names.variant(flag, who, what, at), entity, context)
        except BurgeeError as error:
            if default is None:
                self._advise(error, flag)
                raise
            return VariantResult(flag, False, default, None, self._excuses.reason(error, flag), ())

    def evaluate(self, flag: str, entity: str | None, context: Context = NO_CONTEXT) -> Result:
        """Evaluate a flag of either type. Raises as `boolean` does, save WrongFlagType."""
        try:
            return self._slowly(lambda names, who, what, at: names.evaluate(flag, who, what, at), entity, context)
        except BurgeeError as error:
            self._advise(error, flag)
            raise

    def evaluate_all(self, entity: str | None, context: Context = NO_CONTEXT) -> dict[str, Result]:
        """Evaluate every flag of the namespace; results by key, sorted. They are not exposures.

        Raises as `evaluate` does, for all flags if one of them cannot be answered.
        """
        first, last, _, _, namespace = self._fast
        if first <= self._now() < last:
            try:
                # None has no place here, fails, and is looked at below.
                return namespace.evaluate_all(entity, context, self._instant())  # type: ignore[arg-type]
            except _ANY:
                pass
        return self._evaluated(lambda names, who, what, at: names.evaluate_all(who, what, at), entity, context)

    @property
    def namespace_key(self) -> str:
        """Which namespace these are the flags of."""
        return self._namespace or DEFAULT_NAMESPACE

    def keys(self) -> list[str]:
        """The keys of the namespace's flags, sorted."""
        return self._renewed().document.flag_keys()

    def metadata(self, flag: str) -> dict[str, Any]:
        """What the flag's author wrote into its metadata. Raises FlagNotFound."""
        namespace = self._renewed()
        found = namespace.document.flag(flag)
        if found is None:
            raise FlagNotFound(namespace.key, flag)
        return dict(found.get("metadata", {}))

    def definition(self, result: Result) -> dict[str, Any] | None:
        """The flag that gave a result, as its release has it now; None when another release answers by now."""
        namespace = self._renewed()
        if namespace.stamp[:2] != (result.revision, result.digest):
            return None
        flag = namespace.document.flag(result.flag_key)
        return None if flag is None else dict(flag_at(flag, self._instant()))

    def forget(self) -> None:
        """Ask anew what to answer from, because a look has ended."""
        with self._reader.keeping():
            self._forgotten += 1
            self._fast = self._kept = _NEVER

    def _advise(self, error: BurgeeError, flag: str) -> None:
        if isinstance(error, (FlagNotFound, WrongFlagType)):
            self._guesses.advise(error, flag, self._renewed())

    def _slowly(self, evaluate: Evaluate[Answer], entity: Any, context: Any) -> Answer:
        result = self._evaluated(evaluate, entity, context)
        if self._on_exposure is not None:
            try:
                self._on_exposure(result, entity_text(entity), all_texts(context))  # type: ignore[arg-type]
            except Exception:
                log_fault("on_exposure")
        return result

    def _evaluated(self, evaluate: Evaluate[Answer], entity: Any, context: Any) -> Answer:
        namespace, at = self._renewed(), self._instant()
        try:
            return evaluate(namespace, entity, context, at)
        except _ODD:
            return evaluate(namespace, entity_text(entity), Texts(context), at)

    def _renewed(self) -> Namespace:
        """The namespace to answer from, kept as long as that is right."""
        first, last, _, _, namespace = self._kept
        if first <= self._now() < last:
            return namespace
        forgotten = self._forgotten
        serving, stale, first, last = self._reader.window()
        namespace = serving.snapshot.namespace(self._namespace)
        namespace = self._stale_twin(namespace) if stale else self._fresh(namespace)
        with self._reader.keeping():
            # Unless a look has ended meanwhile, which may have replaced this: nobody may see it after what came next.
            if forgotten == self._forgotten:
                self._kept = (first, last, namespace.booleans, namespace.variants, namespace)
                self._fast = self._kept if self._on_exposure is None else _NEVER
        return namespace

    def _fresh(self, namespace: Namespace) -> Namespace:
        # A twin would keep its whole release in memory.
        self._stale = None
        return namespace

    def _stale_twin(self, namespace: Namespace) -> Namespace:
        twins = self._stale
        if twins is None or twins[0] is not namespace:
            twins = self._stale = (namespace, namespace.stale_twin())
        return twins[1]
