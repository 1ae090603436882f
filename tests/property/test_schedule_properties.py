"""Properties of schedules; each test quotes the sentence it checks."""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby, pairwise, product
from json import loads

from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.author.authored import SourceFile, author
from burgee.bundle.digest import canonical_json
from burgee.bundle.document import encode
from burgee.bundle.flipt import client_snapshot
from burgee.core.bucketing import BUCKETS
from burgee.core.compile import splits_of
from burgee.core.instant import format_instant
from burgee.core.model import PROFILES
from burgee.core.schedule import SCHEDULE, flag_at, is_scheduled, next_step
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_document,
    a_flag,
    a_namespace,
    a_rule,
    a_segment_rollout,
    a_threshold,
    a_variant,
    scheduled,
)

QUICK = settings(max_examples=50, deadline=None)
BEGIN = 1_796_112_000_000
LENGTHS = st.integers(1, 60)
NAMES = ("a", "b", "c", "d")


def splits(count: int) -> st.SearchStrategy[list[int]]:
    """Buckets for each of so many variants, a thousand together; some have none."""
    ends = st.lists(st.integers(0, BUCKETS), min_size=count - 1, max_size=count - 1).map(sorted)
    return ends.map(lambda limits: [end - start for start, end in pairwise([0, *limits, BUCKETS])])


def weights_of(buckets: list[int]) -> dict[str, float]:
    return {name: count / 10 if count % 10 else count // 10 for name, count in zip(NAMES, buckets, strict=False)}


def split_flag(buckets: list[int], *steps: Normal) -> Normal:
    rule = a_rule("everybody", list(weights_of(buckets).items()))
    return scheduled(a_flag("split", variants=[a_variant(name) for name in NAMES], rules=[rule]), *steps)


def weights_ramp(start: list[int], end: list[int], begins: int, length: int) -> Normal:
    first, last = weights_of(start), weights_of(end)
    weights = {name: [first[name], last[name]] for name in first}
    return {"from": format_instant(begins), "until": format_instant(begins + length), "rule": 1, "weights": weights}


def threshold_ramp(start: int, end: int, begins: int, length: int) -> Normal:
    ends = {"from": format_instant(begins), "until": format_instant(begins + length)}
    return {**ends, "rollout": 1, "percentage": [start, end]}


def a_weights_ramp(ramp: tuple[list[int], list[int]], length: int) -> Normal:
    return split_flag(ramp[0], weights_ramp(*ramp, BEGIN, length))


def begin_and_part(step: Normal) -> tuple[str, tuple[str, int]]:
    """What steps are sorted by."""
    return step.get("from") or step["at"], ("rollout", step["rollout"]) if "rollout" in step else ("enabled", 0)


def owners_at(flag: Normal, at: int, buckets: str = "C") -> list[str]:
    """Who owns each of the thousand buckets."""
    ((ends, variants),) = splits_of(flag_at(flag, at), buckets)
    return [variants[bisect_right(ends, bucket)] for bucket in range(BUCKETS)]


def size_at(flag: Normal, at: int) -> int:
    size: int = flag_at(flag, at)["rollouts"][0]["threshold"]["percentage"]
    return size


RAMPS = st.integers(2, 4).flatmap(lambda count: st.tuples(splits(count), splits(count)))
SIZES = st.integers(0, 100)


@QUICK
@given(RAMPS, LENGTHS)
def test_no_entity_ever_returns_to_a_variant_that_it_has_left(ramp: tuple[list[int], list[int]], length: int) -> None:
    """'A ramp never moves an entity back and forth.'"""
    start, end = ramp
    flag = split_flag(start, weights_ramp(start, end, BEGIN, length))
    every = [owners_at(flag, at) for at in range(BEGIN - 1, BEGIN + length + 2)]
    for owners in zip(*every, strict=True):
        sequence = [owner for owner, _ in groupby(owners)]
        assert sequence in (sorted(sequence), sorted(sequence, reverse=True))
        assert len(set(sequence)) == len(sequence)


@QUICK
@given(RAMPS, LENGTHS)
def test_a_ramp_begins_and_ends_with_the_weights_it_names(ramp: tuple[list[int], list[int]], length: int) -> None:
    """'Ramp from a to b between two instants.'"""
    start, end = ramp
    flag = split_flag(start, weights_ramp(start, end, BEGIN, length))
    for at, buckets in ((BEGIN - 1, start), (BEGIN, start), (BEGIN + length, end), (BEGIN + length + 1, end)):
        owners = owners_at(flag, at)
        assert [owners.count(name) for name in NAMES[: len(buckets)]] == buckets


@QUICK
@given(SIZES, SIZES, LENGTHS)
def test_a_threshold_only_grows_or_only_shrinks(start: int, end: int, length: int) -> None:
    """'Each cumulative limit goes one way.'"""
    flag = scheduled(a_boolean_flag("half", a_threshold(start)), threshold_ramp(start, end, BEGIN, length))
    sizes = [size_at(flag, at) for at in range(BEGIN - 1, BEGIN + length + 2)]
    assert sizes == sorted(sizes, reverse=end < start)
    assert (sizes[0], sizes[-1]) == (start, end)


@QUICK
@given(st.tuples(splits(2), splits(2)), LENGTHS, LENGTHS)
def test_rolling_a_ramp_back_removes_the_last_in_first(
    ramp: tuple[list[int], list[int]], length: int, back: int
) -> None:
    """'Rolling a ramp back removes the last in first.'"""
    start, end = ramp
    turn = BEGIN + length
    flag = split_flag(start, weights_ramp(start, end, BEGIN, length), weights_ramp(end, start, turn, back))
    every = [owners_at(flag, at) for at in range(BEGIN, turn + back + 1)]
    # Of each bucket that changed hands: when it came to its new owner, and when it went back.
    moved = {
        (owners.index(owners[length]), len(owners) - owners[::-1].index(owners[length]))
        for owners in zip(*every, strict=True)
        if owners[length] != owners[0]
    }
    assert all(one[1] >= other[1] for one, other in product(moved, moved) if one[0] < other[0])


def schedules() -> st.SearchStrategy[Normal]:
    """A boolean flag with steps and ramps of two thresholds and of itself, one after the other."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Normal:
        steps: list[Normal] = []
        for rollout in (1, 3):
            now = BEGIN + draw(st.integers(0, 20))
            for _ in range(draw(st.integers(0, 3))):
                if draw(st.booleans()):
                    length = draw(LENGTHS)
                    ramp = threshold_ramp(draw(SIZES), draw(SIZES), now, length)
                    steps.append({**ramp, "rollout": rollout})
                    now += length
                else:
                    steps.append({"at": format_instant(now), "rollout": rollout, "percentage": draw(SIZES)})
                now += draw(st.integers(1, 20))
        switches = draw(st.dictionaries(st.integers(0, 60), st.booleans(), max_size=3))
        steps += [{"at": format_instant(BEGIN + now), "enabled": on} for now, on in switches.items()]
        flag = a_boolean_flag("flag", a_threshold(20), a_segment_rollout("yes"), a_threshold(60, value=False))
        return scheduled(flag, *sorted(steps, key=begin_and_part))

    return drawn()


@QUICK
@given(schedules())
def test_a_flag_stays_as_it_is_until_its_next_step(flag: Normal) -> None:
    """'The first instant after `at` at which the flag may be another.'"""
    at = BEGIN - 5
    present, following = flag_at(flag, at), next_step(flag, at)
    while at < BEGIN + 300:
        at += 1
        if at == following:
            present, following = flag_at(flag, at), next_step(flag, at)
        assert flag_at(flag, at) == present
    assert following is None


@QUICK
@given(schedules(), st.lists(st.integers(-5, 300), min_size=1, max_size=12), st.sampled_from(sorted(PROFILES)))
def test_an_answer_depends_on_the_instant_and_not_on_those_before_it(
    flag: Normal, instants: list[int], profile: str
) -> None:
    """'Evaluation is a pure function of snapshot, context and instant.'"""
    other = a_boolean_flag("other", a_threshold(50))
    namespace = a_namespace(flag, other, profile=profile)
    for at in (BEGIN + instant for instant in instants):
        plain = {**flag_at(flag, at), "metadata": {}}
        wanted = a_namespace(plain, profile=profile).boolean("flag", "user-1", {}, 0)
        assert namespace.boolean("flag", "user-1", {}, at) == wanted
        together = namespace.evaluate_all("user-1", {}, at)
        assert (list(together), together["flag"]) == (["flag", "other"], wanted)


@QUICK
@given(RAMPS, LENGTHS, st.integers(-1, 61))
def test_every_profile_splits_a_scheduled_rule_alike_and_foreign_clients_do_too(
    ramp: tuple[list[int], list[int]], length: int, at: int
) -> None:
    """'Only so every reader splits alike.'"""
    start, end = ramp
    flag = split_flag(start, weights_ramp(start, end, BEGIN, length))
    owners = owners_at(flag, BEGIN + at)
    assert all(owners_at(flag, BEGIN + at, profile.buckets) == owners for profile in PROFILES.values())
    # What a static snapshot says is read by clients with the arithmetic C.
    plain = {name: value for name, value in flag_at(flag, BEGIN + at).items() if name != "metadata"}
    assert owners_at(plain, 0) == owners
    assert client_snapshot(a_document([flag]), BEGIN + at) == client_snapshot(a_document([plain]), 0)


@QUICK
@given(st.one_of(schedules(), st.builds(a_weights_ramp, RAMPS, LENGTHS)))
def test_a_documents_bytes_are_read_to_the_same_bytes(flag: Normal) -> None:
    """'A normal form's normal form is itself.'"""
    if flag["metadata"][SCHEDULE] == "[]":
        return
    content = a_document([flag]).content
    authored = author([SourceFile("features.yaml", content)])
    assert authored.ok, authored.problems
    assert encode(authored.documents["default"]) == content


@QUICK
@given(schedules(), st.permutations(range(9)))
def test_the_order_in_which_steps_are_written_means_nothing(flag: Normal, order: list[int]) -> None:
    """'Steps are in order of time.'"""
    steps = loads(flag["metadata"][SCHEDULE])
    if not steps:
        return
    shuffled = [steps[place] for place in order if place < len(steps)]
    written = {"flags": [{**flag, "metadata": {SCHEDULE: shuffled}}], "segments": [*a_document().segments()]}
    authored = author([SourceFile("deep/features.json", canonical_json(written).encode())])
    assert authored.ok, authored.problems
    (made,) = authored.documents["default"]["flags"]
    assert loads(made["metadata"][SCHEDULE]) == sorted(steps, key=begin_and_part) and is_scheduled(made)
