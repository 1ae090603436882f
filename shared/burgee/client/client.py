"""The client: flags of one environment, evaluated in this process.

Law: while nothing is due an evaluation is a look at the clock, one into a table, and the flag's own function. All else
happens on the slow way, which is taken when something is due, odd or wrong. That one goes by both clocks, the fast way
by the wall clock alone, within bounds that are at most one TTL apart (docs/decisions/0011).
"""

from __future__ import annotations

from os import environ as process_environ
from time import monotonic, sleep, time

from ..bundle.keys import checked_environment
from ..core.errors import (
    BurgeeError,
    ConfigurationError,
    FlagNotFound,
    InvalidContext,
    InvalidRequest,
    WrongFlagType,
)
from ..core.model import BooleanResult, VariantResult
from ..core.snapshot import DEFAULT_NAMESPACE, Namespace
from ..fetch.clock import SystemClock, system_random
from .advice import Excuses, Guesses
from .hooks import Hooks, log_fault
from .odd import Texts, all_texts, entity_text
from .reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, Self, TypeAlias, TypeVar

    from ..core.compile import Row
    from ..core.context import Context
    from ..fetch.clock import Clock
    from ..fetch.live import Status
    from ..fetch.port import Fetcher
    from .hooks import Change

    Result: TypeAlias = BooleanResult | VariantResult
    Answer = TypeVar("Answer")
    Evaluate: TypeAlias = Callable[[Namespace, Any, Any], Answer]
    OnExposure = Callable[[Result, str, Mapping[str, str]], object]

NO_CONTEXT: Context = {}
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
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
        first, last, rows, _, _ = self._fast
        if first <= self._now() < last:
            try:
                row = rows[flag]
                answer: BooleanResult = row[0](row, entity, context)
                return answer
            except _ANY:
                pass
        try:
            return self._slowly(lambda namespace, who, what: namespace.boolean(flag, who, what, 0), entity, context)
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
            return self._slowly(lambda namespace, who, what: namespace.variant(flag, who, what, 0), entity, context)
        except BurgeeError as error:
            if default is None:
                self._advise(error, flag)
                raise
            return VariantResult(flag, False, default, None, self._excuses.reason(error, flag), ())

    def evaluate(self, flag: str, entity: str | None, context: Context = NO_CONTEXT) -> Result:
        """Evaluate a flag of either type. Raises as `boolean` does, save WrongFlagType."""
        try:
            return self._slowly(lambda namespace, who, what: namespace.evaluate(flag, who, what, 0), entity, context)
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
                return namespace.evaluate_all(entity, context, 0)  # type: ignore[arg-type]
            except _ANY:
                pass
        return self._evaluated(lambda namespace, who, what: namespace.evaluate_all(who, what, 0), entity, context)

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
        """The flag that gave a result, as its release has it; None when another release answers by now."""
        namespace = self._renewed()
        if namespace.stamp[:2] != (result.revision, result.digest):
            return None
        return namespace.document.flag(result.flag_key)

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
        namespace = self._renewed()
        try:
            return evaluate(namespace, entity, context)
        except _ODD:
            return evaluate(namespace, entity_text(entity), Texts(context))

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


class Client(Flags):
    """The flags of one environment's default namespace; `namespace(key)` has those of another.

    The first look at the store is made by the constructor, which waits for it for at most `start_timeout` seconds and
    then goes on; later looks are made beside the evaluations, which never wait.
    """

    __slots__ = ("_others",)

    def __init__(
        self,
        *urls: str,
        environment: str,
        namespace: str = "default",
        ttl: float = 10.0,
        refresh: Literal["lazy", "background"] = "lazy",
        start_timeout: float = 5.0,
        disk: str | None = None,
        on_change: Callable[[Change], object] | None = None,
        on_exposure: OnExposure | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        """`urls` name stores, the first that answers counts: file://, https:// or s3:// and whatever else is installed.

        `ttl` is how many seconds to go without a look. `refresh="lazy"` looks when an evaluation finds that one is due,
        `"background"` whenever one is. `disk` is a folder that keeps the last good release for starts without network.
        `on_change(change)` is called in a thread of ours when another release answers, `on_exposure(result, entity id,
        context)` for each evaluation of one flag. `environ` has the variables that stores take credentials from, those
        of this process without it. `clock` and `fetcher` take the place of the machine's clocks and of `urls`.

        Raises ConfigurationError for arguments that cannot work, never for a store that does not answer.
        """
        if refresh not in ("lazy", "background"):
            raise ConfigurationError(f'refresh is "lazy" or "background", got {refresh!r}')
        if not (isinstance(ttl, (int, float)) and 0 < ttl <= 86_400):
            raise ConfigurationError(f"ttl is a number of seconds up to 86400, got {ttl!r}")
        try:
            checked_environment(environment)
        except InvalidRequest as error:
            raise ConfigurationError(str(error)) from None
        for name, hook in (("on_change", on_change), ("on_exposure", on_exposure)):
            if not (hook is None or callable(hook)):
                raise ConfigurationError(f"{name} is something to call, got {hook!r}")
        self._others: dict[str, Flags] = {}
        reader = Reader(
            fetcher or _fetcher(urls, process_environ if environ is None else environ),
            environment,
            ttl_ms=max(1, int(ttl * 1000)),
            clock=clock or SystemClock(),
            random=system_random,
            disk=_disk(disk, environment),
            on_change=on_change,
            renewed=self._forget_all,
        )
        super().__init__(reader, namespace, on_exposure, time if clock is None else lambda: clock.wall() / 1000)
        look = reader.look()
        if refresh == "background":
            reader.follow()
        look.wait(start_timeout)

    def namespace(self, key: str) -> Flags:
        """The flags of another namespace of the environment, from the same release."""
        made = Flags(self._reader, key, self._on_exposure, self._now)
        return self._others.setdefault(key, made)

    @property
    def ready(self) -> bool:
        """Whether there is a release to answer from."""
        return self.status().revision is not None

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Return when there is a release to answer from; the store is looked at again and again until then.

        Raises what went wrong with the last look when the time is up.
        """
        deadline, pause = monotonic() + timeout, _FIRST_PAUSE_SECONDS
        while not self.ready:
            try:
                self._reader.wait(self._reader.look(), deadline - monotonic())
                self._renewed()
            except BurgeeError:
                if monotonic() + pause >= deadline:
                    raise
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def refresh(self, timeout: float = 30.0) -> None:
        """Look at the store now, and return when that has ended: what was published before is answered from after.

        Raises what went wrong with it, and Unavailable when the time is up; the last good release goes on answering.
        """
        self._reader.look_now(timeout)

    def catch_up(self, timeout: float = 1.0) -> bool:
        """Look at the store if that is due, wait for at most so long, and say whether the answers are up to date.

        For functions that are frozen between calls: at the beginning of a call, it keeps the answers of an hour ago
        from being given once more. Raises nothing.
        """
        if self._reader.is_due():
            self._reader.look().wait(timeout)
        return self._reader.is_up_to_date()

    def status(self) -> Status:
        """What answers, since when, how old that knowledge is, and what went wrong last."""
        return self._reader.status()

    def watch(
        self,
        *,
        on_change: Callable[[Change], object] | None = None,
        on_status: Callable[[Status], object] | None = None,
    ) -> Callable[[], None]:
        """Call more hooks, in a thread of ours; what is returned ends that.

        `on_change(change)` is as in the constructor, from now on. `on_status(status)` is called after each look at the
        store, and in the background as soon as answers are stale.
        """
        hooks = Hooks(on_change, on_status)
        self._reader.watch(hooks)
        return lambda: self._reader.unwatch(hooks)

    def close(self) -> None:
        """End what runs in the background and let go of connections; the last good release goes on answering."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _forget_all(self) -> None:
        self.forget()
        for flags in tuple(self._others.values()):
            flags.forget()


def _fetcher(urls: tuple[str, ...], environ: Mapping[str, str]) -> Fetcher:
    from ..fetch.opening import open_fetcher

    if not urls:
        raise ConfigurationError("a client reads from a URL, such as https://flags.example.org; none was given")
    for url in urls:
        if not isinstance(url, str):
            raise ConfigurationError(f"a client reads from URLs, such as file:///srv/flags, got {url!r}")
    fetchers = [open_fetcher(url, environ) for url in urls]
    if len(fetchers) == 1:
        return fetchers[0]
    from ..fetch.fallbacks import Fallbacks

    return Fallbacks(fetchers)


def _disk(folder: str | None, environment: str) -> Any:
    if folder is None:
        return None
    from .disk import Disk

    return Disk(folder, environment)
