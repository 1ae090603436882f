"""Two states of the flags side by side, environment by environment: what changed and, if asked for, for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bundle.document import Document
from ..core.errors import EnvironmentNotFound, InvalidRequest, TooLarge
from ..deliver.changes import Change, compare
from ..impact.effects import Impact, impact
from ..impact.effects import Side as Evaluated
from ..impact.markdown import Compared
from ..impact.samples import Sample, read_samples
from .nearest import did_you_mean
from .places import Tree
from .stores import Released, UnknownName

Place = Tree | Released

_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Side:
    """An environment of a place; `exists` is false when the place does not have it, and then it has no flags."""

    place: str
    environment: str
    exists: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two sides; `impact` is None if it was not asked for."""

    old: Side
    new: Side
    changes: Sequence[Change]
    impact: Impact | None = None

    @property
    def headline(self) -> str:
        """The environment, or both with their places where they differ."""
        if self.old.environment == self.new.environment:
            return self.old.environment
        return f"{self.old.environment} ({self.old.place}) -> {self.new.environment} ({self.new.place})"


@dataclass(frozen=True, slots=True)
class Asked:
    """That the impact at an instant (milliseconds) is asked for, and the samples to be looked at."""

    at: int
    samples: Sequence[Sample] = ()


def comparisons(before: Place, after: Place, environment: str | None, asked: Asked | None) -> Sequence[Comparison]:
    """Every environment of both places, or the one of that name. Raises EnvironmentNotFound, InvalidRequest."""
    return [_comparison(before, after, *names, asked) for names in _pairs(before, after, environment)]


def samples_of(path: str | None) -> Sequence[Sample]:
    """The samples of a file, none for None. Raises UnknownName, InvalidRequest, TooLarge."""
    if path is None:
        return ()
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UnknownName(f"cannot read contexts from {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > _MOST_BYTES:
        raise TooLarge(f"{path} has more than {_MOST_BYTES} bytes of contexts; leave some out")
    return read_samples(content, path)


def compared(comparison: Comparison) -> Compared:
    """A comparison as a comment shows it."""
    old, new = comparison.old, comparison.new
    return Compared(comparison.headline, old.place, new.place, comparison.changes, comparison.impact)


def _pairs(before: Place, after: Place, environment: str | None) -> Sequence[tuple[str, str]]:
    """The environments to compare, as named on either side."""
    match before, after:
        case (Tree(stands_alone=True), _) | (_, Tree(stands_alone=True)):
            return [(_beside_bundle(before, environment), _beside_bundle(after, environment))]
        case Released(), Released():
            if environment:
                raise InvalidRequest(f"two releases were named with their environments; leave out -e {environment}")
            return [(before.environment, after.environment)]
        case Released(), Tree():
            return [(before.environment, after.environment(environment) if environment else before.environment)]
        case Tree(), Released():
            return [(before.environment(environment) if environment else after.environment, after.environment)]
    known = tuple(dict.fromkeys((*before.environments, *after.environments)))
    if environment and environment not in known:
        raise EnvironmentNotFound(
            f"neither {before.label} nor {after.label} has an environment {environment!r}; they have {', '.join(known)}"
            f"{did_you_mean(environment, known)}"
        )
    return [(name, name) for name in ([environment] if environment else known)]


def _beside_bundle(place: Place, environment: str | None) -> str:
    """The environment of a side to compare with a bundle or a bucket, which has but one, whatever the option says."""
    if isinstance(place, Released):
        return place.environment
    return place.environment(None if place.stands_alone else environment)


def _comparison(before: Place, after: Place, old_name: str, new_name: str, asked: Asked | None) -> Comparison:
    old, new = _side(before, old_name), _side(after, new_name)
    was, becomes = _documents(before, old), _documents(after, new)
    found = None
    if asked:
        sides = Evaluated(was, _profile(before, old, after, new)), Evaluated(becomes, _profile(after, new, before, old))
        found = impact(*sides, asked.at, asked.samples)
    return Comparison(old, new, compare(was, becomes), found)


def _side(place: Place, name: str) -> Side:
    return Side(place.label, name, name in place.environments)


def _documents(place: Place, side: Side) -> Mapping[str, Document]:
    return place.documents(side.environment) if side.exists else {}


def _profile(place: Place, side: Side, other: Place, other_side: Side) -> str:
    """How the flags of a side are evaluated: without any, as on the other one. What stands alone says nothing of it."""
    if side.exists and not (isinstance(place, Tree) and place.stands_alone and other_side.exists):
        return place.profile(side.environment)
    return other.profile(other_side.environment)
