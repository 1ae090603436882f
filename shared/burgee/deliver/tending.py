"""What an environment needs although nothing new is published: a fresh signature, and static snapshots of this instant.

Law: it needs the store alone, so that a Git host that is away, or files that are wrong, make nothing grow old.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from ..bundle.head import Head
from ..core.errors import BurgeeError, Conflict
from ..store.port import SeenHead
from .instants import KEPT_LAGS, known_lag, with_lag
from .settle import settle

if TYPE_CHECKING:
    from .publisher import Means, Publisher

_TRIES = 10


def tend_all(publisher: Publisher, names: Iterable[str], *, told: Container[str] = ()) -> None:
    """Tend these environments; what fails is noted unless it was `told` already, and the next tick tries again."""
    if publisher.options.dry_run:
        return
    for name in names:
        try:
            tend(publisher.means, name)
        except Exception as error:
            # Also what nobody foresaw is the fault of one environment, and no other's.
            said = str(error) if isinstance(error, BurgeeError) else repr(error)
            if said not in told:
                publisher.note(f"environment {name!r} could not be looked after: {said}")


def listed(publisher: Publisher) -> tuple[str, ...]:
    """The environments that the store lists; none when it cannot be read, or belongs to another repository."""
    try:
        found = publisher.store.read_index()
    except BurgeeError as error:
        publisher.note(f"environments could not be looked after: {error}")
        return ()
    if found is None or found[0].repository != publisher.repository.identity:
        return ()
    return tuple(found[0].environments)


def tend(means: Means, environment: str) -> None:
    """Sign the head of an environment again if it is time to, and settle what stands still beside it.

    Raises what the store or a signer raises.
    """
    seen = see(means, environment)
    if seen is None:
        return
    means.sealing.check_fresh(seen.head, means.rim.now())
    resign(means, seen.head, seen.etag)
    settle(means.store, environment, now=means.rim.now, shown=means.shown, pause=means.pause)


def see(means: Means, environment: str) -> SeenHead | None:
    """The head of an environment, to be followed by another one; it knows how long its last release took.

    Raises what the store raises, and RefusedError for a head that is not ours to sign on.
    """
    found = means.store.read_head(environment)
    if found is None:
        return None
    means.sealing.check(found.head)
    return found._replace(head=with_lag(found.head, found.modified))


def note_lag(means: Means, environment: str, lag: int) -> None:
    """Let the head remember a lag (ms) of one of its releases that is longer than those it knows of.

    Raises Conflict when others keep writing, and as `see` and `tend` do.
    """
    for _ in range(_TRIES):
        seen = see(means, environment)
        if seen is None or lag <= known_lag(seen.head):
            return
        now = means.rim.now()
        means.sealing.check_fresh(seen.head, now)
        head = seen.head._replace(lags_ms=(*seen.head.lags_ms, lag)[-KEPT_LAGS:], written_at=None)
        try:
            means.store.swap_head(means.sealing(head, now), seen.etag)
        except Conflict:
            means.pause()
            continue
        return
    raise Conflict(f"the head of environment {environment!r} kept moving; its lag is not noted")


def resign(means: Means, head: Head, etag: str) -> None:
    """Sign a head again if it is time to. Raises Conflict, and what a signer raises."""
    now = means.rim.now()
    if means.sealing.is_due(head, now):
        means.store.swap_head(means.sealing(head._replace(written_at=None), now), etag)
