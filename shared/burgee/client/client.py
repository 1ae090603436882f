"""The client: one environment of a store, looked at beside the evaluations."""

from __future__ import annotations

from os import environ as process_environ
from time import monotonic, sleep, time

from ..bundle.keys import checked_environment
from ..core.errors import BurgeeError, ConfigurationError, InvalidRequest
from ..fetch.clock import SystemClock, system_random
from .flags import Flags
from .hooks import Hooks
from .reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal, Self

    from ..fetch.clock import Clock
    from ..fetch.live import Status
    from ..fetch.port import Fetcher
    from ..fetch.verify import Verifier
    from .flags import OnExposure
    from .hooks import Change

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


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
        verify_keys: Sequence[str] | None = None,
        verify_repository: str | None = None,
        strict: bool = False,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        """`urls` name stores, the first that answers counts: file://, https:// or s3:// and whatever else is installed.

        `ttl` is how many seconds to go without a look. `refresh="lazy"` looks when an evaluation finds that one is due,
        `"background"` whenever one is. `disk` is a folder that keeps the last good release for starts without network.
        `on_change(change)` is called in a thread of ours when another release answers, `on_exposure(result, entity id,
        context)` for each evaluation of one flag. With `verify_keys`, public keys as `burgee key show` prints them, a
        release counts only if one of them signed it, and with `verify_repository` only if it is of that repository.
        `strict` refuses with Outdated where an answer would be stale. `environ` has the variables that stores take
        credentials from, those of this process without it. `clock` and `fetcher` take the place of the machine's clocks
        and of `urls`.

        Raises ConfigurationError for arguments that cannot work, never for a store that does not answer.
        """
        if refresh not in ("lazy", "background"):
            raise ConfigurationError(f'refresh is "lazy" or "background", got {refresh!r}')
        if not (isinstance(ttl, (int, float)) and 0 < ttl <= 86_400):
            raise ConfigurationError(f"ttl is a number of seconds up to 86400, got {ttl!r}")
        # What is no number is not equal to itself.
        if not isinstance(start_timeout, (int, float)) or start_timeout != start_timeout:
            raise ConfigurationError(f"start_timeout is a number of seconds, got {start_timeout!r}")
        if disk == "":
            raise ConfigurationError("disk is a folder, or None for none, got an empty text")
        try:
            checked_environment(environment)
        except InvalidRequest as error:
            raise ConfigurationError(str(error)) from None
        for name, hook in (("on_change", on_change), ("on_exposure", on_exposure)):
            if not (hook is None or callable(hook)):
                raise ConfigurationError(f"{name} is something to call, got {hook!r}")
        self._others: dict[str, Flags] = {}
        clocks = clock or SystemClock()
        verifier = _verifier(verify_keys, verify_repository, clocks)
        reader = Reader(
            fetcher or _fetcher(urls, process_environ if environ is None else environ, verifier),
            environment,
            ttl_ms=max(1, int(ttl * 1000)),
            clock=clocks,
            random=system_random,
            disk=_disk(disk, environment),
            on_change=on_change,
            renewed=self._forget_all,
            verifier=verifier,
            strict=strict,
        )
        super().__init__(reader, namespace, on_exposure, time if clock is None else lambda: clock.wall() / 1000)
        look = reader.look()
        if refresh == "background":
            reader.follow()
        look.wait(start_timeout)

    def namespace(self, key: str) -> Flags:
        """The flags of another namespace of the environment, from the same release."""
        made = self._others.get(key)
        return made or self._others.setdefault(key, Flags(self._reader, key, self._on_exposure, self._now))

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


def _verifier(keys: Sequence[str] | None, repository: str | None, clock: Clock) -> Verifier | None:
    if keys is None:
        if repository is not None:
            raise ConfigurationError("verify_repository takes verify_keys: without them anybody may name a repository")
        return None
    if isinstance(keys, str) or not keys or not all(isinstance(key, str) for key in keys):
        raise ConfigurationError(
            f"verify_keys is a list of public keys as `burgee key show` prints them, or None for none, got {keys!r}"
        )
    from ..fetch.verify import Verifier

    return Verifier(keys, now=clock.wall, repository=repository)


def _fetcher(urls: tuple[str, ...], environ: Mapping[str, str], verifier: Verifier | None) -> Fetcher:
    from ..fetch.opening import open_fetchers

    if not urls:
        raise ConfigurationError("a client reads from a URL, such as https://flags.example.org; none was given")
    for url in urls:
        if not isinstance(url, str):
            raise ConfigurationError(f"a client reads from URLs, such as file:///srv/flags, got {url!r}")
    return open_fetchers(urls, environ, verifier=verifier)


def _disk(folder: str | None, environment: str) -> Any:
    if folder is None:
        return None
    from ..fetch.disk import Disk

    return Disk(folder, environment)
