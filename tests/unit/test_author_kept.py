"""What is kept, and what is forgotten."""

from __future__ import annotations

from burgee.author.kept import Kept


def test_the_least_recently_used_is_forgotten_first() -> None:
    kept: Kept[str, int] = Kept(limit=2)
    kept.keep("a", 1, size=1)
    kept.keep("b", 2, size=1)
    kept.get("a")
    kept.keep("c", 3, size=1)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_kept_again_counts_once() -> None:
    kept: Kept[str, int] = Kept(limit=3)
    kept.keep("a", 1, size=1)
    for size in (1, 2, 2):
        kept.keep("b", 2, size=size)
    assert kept.get("a") == 1 and kept.get("b") == 2


def test_what_is_larger_than_all_the_room_drives_nothing_out() -> None:
    kept: Kept[str, int] = Kept(limit=2)
    kept.keep("a", 1, size=2)
    assert kept.keep("b", 2, size=3) == 2
    assert kept.get("a") == 1 and kept.get("b") is None
