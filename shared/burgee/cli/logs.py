"""The log of an environment as the command line asks it, without network for what was asked before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ..bundle.addresses import shown_url
from ..bundle.head import Head
from ..core.errors import NotFound, Unavailable
from ..core.instant import format_instant
from ..fetch.cache_folder import CacheFolder
from ..fetch.cached import Cached
from ..fetch.history import History
from ..fetch.opening import open_fetcher
from ..serve.opening import open_verifier
from ..store.objects import ObjectStore
from .caching import cache_folder
from .output import note
from .stores import FetchedObjects, chosen_store, index_of, listed_environment, settings

if TYPE_CHECKING:
    from ..fetch.port import Fetcher


@dataclass(frozen=True, slots=True)
class Log:
    """An environment of the store at the URL `place`, its log, and what is kept of it on disk, if anything is."""

    place: str
    history: History
    cached: Cached | None

    @property
    def url(self) -> str:
        """The store's URL as a person may see it."""
        return shown_url(self.place)

    @property
    def environment(self) -> str:
        """The name of the environment."""
        return self.history.environment

    def head(self) -> Head | None:
        """The head; None before the first release."""
        try:
            return self.history.head()
        except NotFound:
            return None

    def check_reach(self, instant: int | None = None) -> None:
        """Say that the store could not be reached, if so. Raises Unavailable when what is kept of it is of before an
        instant (milliseconds) that was asked for."""
        away = self.cached and self.cached.out_of_reach
        if not away:
            return
        seen = format_instant(away.seen_at)
        if instant is not None and instant > away.seen_at:
            raise Unavailable(f"{away.fault}; what is kept of the store is of {seen}, wanted {format_instant(instant)}")
        note(f"the store cannot be reached ({away.fault}); this is from what was kept of it at {seen}")


def open_log(given: str | None, environment: str | None) -> Log:
    """The log of an environment of the chosen store, of its default one for None.

    Raises ConfigurationError, EnvironmentNotFound, NotFound while nothing has been published.
    """
    url = chosen_store(given).url
    fetcher = open_fetcher(url, os.environ)
    cached = _cached(url, fetcher)
    store = ObjectStore(FetchedObjects(url, cached or fetcher))
    name = listed_environment(store, index_of(store), environment)
    return Log(url, History(cached or fetcher, name, verifier=open_verifier(settings())), cached)


def _cached(url: str, fetcher: Fetcher) -> Cached | None:
    """A store on this machine's disk is kept there already."""
    folder = None if url.lower().startswith("file:") else cache_folder(os.environ)
    if folder is None:
        return None
    cached = Cached(fetcher, folder, url)
    click.get_current_context().call_on_close(lambda: _close(cached, folder))
    return cached


def _close(cached: Cached, folder: CacheFolder) -> None:
    cached.close()
    if folder.fault is not None:
        note(f"nothing was kept for the next time: {folder.fault}; BURGEE_CACHE names another folder, or is `off`")
