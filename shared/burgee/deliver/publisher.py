"""What a publish works with: where from, where to, on what terms, and the rim it may touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..git.repository import Repository
from ..store.port import Store
from .built import Built
from .instants import AS_USUAL, Near, When
from .mirrors import Mirrors
from .receipt import Receipt
from .sealing import UNSIGNED, Sealing
from .shown import Shown

_PAUSE_SECONDS = 0.02

# How often a lost conditional write is tried again before it counts as a fault.
TRIES = 50


@dataclass(frozen=True, slots=True)
class Rim:
    """What a decision may not reach by itself: `now` and `monotonic` in milliseconds, chance, and waiting."""

    now: Callable[[], int]
    monotonic: Callable[[], int]
    random: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the deployment and the caller ask for.

    `config_ref` is the branch whose burgee.yaml counts (None: the repository's default branch); `environments` limits
    the publish (empty: all). `mirrors` are those of every environment; what burgee.yaml names beside them has to match
    one of the patterns `allowed_mirrors`, in which `*` is any text. `when` is the instant that the caller wants, which
    goes before a commit's own; `near` is what becomes of one that is not safe (None: as the environment has it);
    `override` is why a hold or freeze is broken through, by `by`.
    """

    config_ref: str | None = None
    environments: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    allowed_mirrors: tuple[str, ...] = ()
    dry_run: bool = False
    allow_removal: bool = False
    adopt: bool = False
    when: When = AS_USUAL
    near: Near | None = None
    override: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What heads are moved with: the store, the rim, what signs them, and what the store is known to show."""

    store: Store
    rim: Rim
    sealing: Sealing = UNSIGNED
    shown: Shown = field(default_factory=Shown)

    def pause(self) -> None:
        """Wait a little, by chance a bit more or less, before a lost race is run again."""
        self.rim.sleep(_PAUSE_SECONDS * (0.5 + self.rim.random()))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where from, where to, and on what terms.

    `mirrors` writes those there are, if any may be written from here; `tell` is called with the receipts once the store
    has what they say, and before any mirror is written. `sealing` signs heads; `note` is told what no receipt says;
    `built` is kept for the next publish.
    """

    repository: Repository
    store: Store
    rim: Rim
    options: Options = Options()
    built: Built = field(default_factory=Built)
    progress: Callable[[str], None] = lambda stage: None
    mirrors: Mirrors | None = None
    tell: Callable[[Sequence[Receipt]], object] = lambda receipts: None
    sealing: Sealing = UNSIGNED
    note: Callable[[str], object] = lambda line: None

    @property
    def means(self) -> Means:
        """What its heads are moved with."""
        return Means(self.store, self.rim, self.sealing, self.built.shown)

    def pause(self) -> None:
        """As that of its means."""
        self.means.pause()
