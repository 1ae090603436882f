"""Listings of trees, made from children that a test gives and counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from burgee.core.errors import TooLarge
from burgee.git.listing import Listings
from burgee.git.tree import DEEPEST, FILE, FOLDER

Trees = Mapping[bytes, tuple[tuple[bytes, int, bytes], ...]]


class Walked:
    """Trees by id; `asked` are those whose children were asked for."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        self.asked: list[bytes] = []

    def __call__(self, tree: bytes) -> tuple[tuple[bytes, int, bytes], ...]:
        self.asked.append(tree)
        return self.trees[tree]


def paths(listings: Listings, top: bytes, walked: Walked) -> list[str]:
    return [entry.path for entry in listings.entries(top, walked, where="here")]


TREES: Trees = {
    b"top": ((b"flags", FOLDER, b"f1"), (b"docs", FOLDER, b"d1"), (b"flags.yaml", FILE, b"b0")),
    b"new": ((b"flags", FOLDER, b"f2"), (b"docs", FOLDER, b"d1"), (b"flags.yaml", FILE, b"b0")),
    b"f1": ((b"a", FOLDER, b"a1"), (b"b", FOLDER, b"b1")),
    b"f2": ((b"a", FOLDER, b"a1"), (b"b", FOLDER, b"b2")),
    b"a1": ((b"1", FILE, b"b1"),),
    b"b1": ((b"2", FILE, b"b2"),),
    b"b2": ((b"3", FILE, b"b3"),),
    b"d1": ((b"x", FILE, b"b4"),),
}


def test_files_are_listed_by_the_bytes_of_their_paths() -> None:
    assert paths(Listings(), b"top", Walked(TREES)) == ["docs/x", "flags.yaml", "flags/a/1", "flags/b/2"]


def test_only_folders_that_have_changed_are_walked_again() -> None:
    listings, walked = Listings(), Walked(TREES)
    paths(listings, b"top", walked)
    walked.asked.clear()
    assert paths(listings, b"new", walked) == ["docs/x", "flags.yaml", "flags/a/1", "flags/b/3"]
    assert walked.asked == [b"new", b"f2", b"b2"]


def test_a_folder_of_another_name_is_walked_although_its_tree_is_known() -> None:
    trees = {**TREES, b"moved": ((b"here", FOLDER, b"f1"),)}
    listings = Listings()
    paths(listings, b"top", Walked(trees))
    assert paths(listings, b"moved", Walked(trees)) == ["here/a/1", "here/b/2"]


def test_only_the_last_trees_are_kept() -> None:
    listings, walked = Listings(most=1), Walked(TREES)
    for top in (b"top", b"d1", b"top"):
        paths(listings, top, walked)
    assert walked.asked.count(b"top") == 2


def test_what_is_known_counts_as_what_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    listings = Listings()
    paths(listings, b"top", Walked(TREES))
    monkeypatch.setattr("burgee.git.listing.MOST_ENTRIES", 3)
    for top in (b"top", b"new"):
        with pytest.raises(TooLarge, match="more than 3 files"):
            paths(listings, top, Walked(TREES))


def test_folders_may_be_as_deep_as_is_said_and_no_deeper() -> None:
    trees = {b"%d" % level: ((b"d", FOLDER, b"%d" % (level + 1)),) for level in range(DEEPEST + 1)}
    assert paths(Listings(), b"1", Walked({**trees, b"%d" % (DEEPEST + 1): ((b"f", FILE, b"b"),)}))
    with pytest.raises(TooLarge, match=f"deeper than {DEEPEST}"):
        paths(Listings(), b"0", Walked({**trees, b"%d" % (DEEPEST + 1): ()}))
