"""Patterns of files that are not read."""

import random
import time

import pathspec
import pytest

from burgee.author.globs import BadGlob
from burgee.author.ignore import compile_ignore, is_ignored


def ignored(path: str, *patterns: str) -> bool:
    return is_ignored(path, [one for one in map(compile_ignore, patterns) if one])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a", "x/a"),
        ("a", "a/x"),
        ("/a", "a"),
        ("a/", "a/x"),
        ("a/b", "a/b/c"),
        ("a/**", "a/b"),
        ("**/a", "x/y/a"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("*.yml", "x/a.yml"),
        ("a?[b-d]*e", "abc--e"),
        ("[!a-c]", "d"),
        ("[]]", "]"),
        ("\\!a", "!a"),
        ("a  ", "a"),
    ],
)
def test_pattern_ignores_what_gitignore_would(pattern: str, path: str) -> None:
    assert ignored(path, pattern)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/a", "x/a"),
        ("a/", "a"),
        ("a/**", "a"),
        ("a/b", "x/a/b"),
        ("a*b", "a/b"),
        ("[!a]b", "/b"),
        ("a/**/b", "ab"),
        ("#a", "#a"),
        ("", "a"),
        ("**/", "a"),
    ],
)
def test_pattern_leaves_what_gitignore_would(pattern: str, path: str) -> None:
    assert not ignored(path, pattern)


def test_a_later_pattern_takes_a_file_back() -> None:
    assert not ignored("a/b.yml", "*.yml", "!a/b.yml")
    assert ignored("a/b.yml", "!a/b.yml", "*.yml")


def test_random_patterns_ignore_what_pathspec_ignores() -> None:
    dice = random.Random(7)
    # Without negated classes: they match a slash in pathspec, and not in Git.
    parts = ["a", "b", "c*", "*", "**", "/", "/", "?", "[ab]", "!", "\\a", " ", "**/", "/**/", "#"]
    for _ in range(3000):
        patterns = ["".join(dice.choices(parts, k=dice.randint(1, 6))) for _ in range(dice.randint(1, 3))]
        path = "/".join("".join(dice.choices("abc", k=dice.randint(1, 2))) for _ in range(dice.randint(1, 4)))
        try:
            found = ignored(path, *patterns)
        except BadGlob:
            continue
        assert found == pathspec.GitIgnoreSpec.from_lines(patterns, backend="simple").match_file(path), (patterns, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 12 + "*b", "a" * 120),
        ("*a" * 127 + "b", "a" * 4096),
        ("**/a/" * 50 + "b", "a/" * 2047 + "a"),
        ("**/" + "a/" * 120 + "b", "a/" * 2047 + "a"),
        ("**/*a/*a/*a/b", "aaaaaaa/" * 511 + "a"),
    ],
)
def test_hostile_pattern_does_not_backtrack(pattern: str, path: str) -> None:
    begin = time.process_time()
    assert not ignored(path, pattern)
    assert time.process_time() - begin < 0.5
