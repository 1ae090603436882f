"""Which files of a directory are read."""

import time
from collections import namedtuple

import pytest

from burgee.author.globs import BadGlob, compile_glob
from burgee.author.select import Selection, select, select_tests

Entry = namedtuple("Entry", "path mode", defaults=(0o100644,))


def entries(*paths: str) -> list[Entry]:
    return [Entry(path) for path in paths]


def codes(selection: Selection) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in selection.problems]


def test_union_of_both_lines_applies_without_an_index() -> None:
    found = select(entries("b/features.json", "features.yml", "a/x.features.yaml", "features.json", "a/other.yml"))
    assert found.paths == ("a/x.features.yaml", "b/features.json", "features.yml")
    assert found.problems == ()


def test_directory_is_the_root_of_globs_and_paths_stay_whole() -> None:
    found = select(entries("flags/prod/features.yml", "flags/production/features.yml"), directory="flags/prod")
    assert found.paths == ("flags/prod/features.yml",)


def test_ignored_files_are_not_read_at_all() -> None:
    found = select(entries("f/docs/features.yml", "f/features.yml"), directory="f", ignore=["docs/**"])
    assert found.paths == ("f/features.yml",)


def test_hidden_directories_are_skipped_with_a_warning() -> None:
    found = select(entries(".github/features.yml", "features.yml", ".git/features.yml", "x/.features.yml"))
    assert found.paths == ("features.yml", "x/.features.yml")
    assert codes(found) == [("hidden-directory-skipped", "warning")]


def test_symbolic_link_where_a_flags_file_is_wanted_is_an_error() -> None:
    found = select([Entry("features.yml", 0o120000), Entry("other", 0o120000), Entry("a/features.yml", 0o160000)])
    assert found.paths == ()
    assert codes(found) == [("symlink-skipped", "error")]


def test_index_replaces_the_default_globs() -> None:
    index = b"version: '1.0'\ninclude: ['prod/*.yml', '*.json']\nexclude: ['prod/x*']\n"
    found = select(entries("prod/a.yml", "prod/x.yml", "features.yml", "a.json", ".flipt.yml"), index=index)
    assert found.paths == ("a.json", "prod/a.yml")


def test_flag_tests_are_never_read_as_flags() -> None:
    found = select(entries("a.test.yaml", "b.test.yml", "c.yaml"), index=b"include: ['**']\n")
    assert (found.paths, found.problems) == (("c.yaml",), ())


def test_flag_tests_are_those_files_below_the_directory_that_end_so() -> None:
    listed = entries(
        "f/b.test.yml", "f/x/a.test.yaml", "f/features.yaml", "g/a.test.yaml", "f/.x/a.test.yaml", "f/a_test.yaml"
    )
    assert select_tests(listed, directory="f").paths == ("f/b.test.yml", "f/x/a.test.yaml")
    assert select_tests(listed, directory="f", ignore=["x/"]).paths == ("f/b.test.yml",)


@pytest.mark.parametrize("index", [b"", b"version: '1.0'\n", b"include: []\n"])
def test_index_without_include_reads_nothing(index: bytes) -> None:
    found = select(entries("features.yml"), index=index)
    assert found.paths == ()
    assert codes(found) == [("index-without-include", "warning")]


@pytest.mark.parametrize(
    ("index", "code", "line"),
    [
        (b"include: x\n", "wrong-type", 1),
        (b"\ninclude: ['[a']\n", "bad-glob", 2),
        (b"include: ['{a']\n", "bad-glob", 1),
        (b"- a\n", "wrong-type", 1),
        (b"include: [\n", "syntax", 2),
    ],
)
def test_malformed_index_is_an_error_with_a_place(index: bytes, code: str, line: int) -> None:
    problem = select([], index=index, directory="f").problems[0]
    assert (problem.file, problem.code, problem.severity, problem.line) == ("f/.flipt.yml", code, "error", line)


def test_index_that_selects_another_suffix_is_an_error() -> None:
    found = select(entries("a/readme.md", "a/x.yml"), index=b"include: ['a/*']\n")
    assert found.paths == ("a/x.yml",)
    assert codes(found) == [("unexpected-extension", "error")]


def test_globs_do_not_backtrack_for_ever() -> None:
    assert not compile_glob("*a" * 30 + "b").fullmatch("a" * 4000)


def test_too_many_alternatives_are_refused() -> None:
    with pytest.raises(BadGlob, match="at most 256 alternatives"):
        compile_glob("{a,b}" * 40)


@pytest.mark.parametrize(
    "pattern",
    ["[!]", "{a}" * 2000, "{" * 3000, "{" * 900, "{,}" * 300, "{" * 11 + "a" + "}" * 11, "{" + "," * 256 + "}"],
)
def test_hostile_pattern_is_refused_quickly(pattern: str) -> None:
    begin = time.process_time()
    with pytest.raises(BadGlob):
        compile_glob(pattern)
    assert time.process_time() - begin < 0.1


def test_braces_one_after_another_are_as_many_as_fit() -> None:
    assert compile_glob("{a}" * 333).fullmatch("a" * 333)


@pytest.mark.parametrize("pattern", ["*a*a*a*a*a*a*a*a*b", "[ab]*?" * 166, "*" + "[ab]" * 249, "*" + "a" * 998 + "b"])
def test_glob_on_a_long_path_does_not_backtrack(pattern: str) -> None:
    glob = compile_glob(pattern)
    begin = time.process_time()
    glob.fullmatch("a" * 4095 + "c")
    assert time.process_time() - begin < 0.1


def test_index_with_a_hostile_pattern_is_an_error_and_no_traceback() -> None:
    for pattern in ("[!]", "{a}" * 2000, "{" * 3000):
        assert codes(select([], index=f'include: ["{pattern}"]\n'.encode()))[0] == ("bad-glob", "error")


def test_index_of_too_many_patterns_is_an_error() -> None:
    assert codes(select([], index=b"include: [" + b"a, " * 201 + b"]\n")) == [("bad-glob", "error")]
