"""Work and memory are bounded, however many mistakes a file has."""

import time

import pytest

from burgee.author.authored import SourceFile, author
from burgee.author.finding import MOST_FINDINGS
from burgee.core.errors import Problem


def problems(content: str, path: str = "f.yml") -> tuple[Problem, ...]:
    begin = time.process_time()
    found = author([SourceFile(path, content.encode())]).problems
    assert time.process_time() - begin < 3
    return found


@pytest.mark.parametrize(
    ("content", "last"),
    [
        ("flags:\n" + "- {}\n" * 200_000, "wrong-type"),
        ("flags: [" + "a," * 200_000 + "]", "wrong-type"),
        ("{" + "a: 1," * 200_000 + "}", "too-many-problems"),
        ("---\n" * 200_000, "too-many-documents"),
        ("flags: [" + "!x a," * 50_000 + "]", "too-many-problems"),
        ("segments: [" + ".nan," * 999 + "{a: [" + ".nan," * 10_000 + "]}]", "too-many-problems"),
        ("flags:\n- key: a\n  name: b\n  variants: [" + "{}," * 20_000 + "]", "too-many-problems"),
    ],
)
def test_file_of_nothing_but_mistakes_is_given_up(content: str, last: str) -> None:
    found = problems(content)
    assert len(found) <= MOST_FINDINGS + 1
    assert (found[-1].code, found[-1].severity) == (last, "error")


@pytest.mark.parametrize(
    "content",
    [
        '{"flags": [' + "{}," * 100_000 + "{}]}",
        "{" + '"a": 1,' * 100_000 + '"a": 1}',
        '{"flags": ' + "[" * 80 + '"\\ud800",' * 50_000 + "1" + "]" * 80 + "}",
    ],
)
def test_json_of_nothing_but_mistakes_is_given_up(content: str) -> None:
    found = problems(content, "f.json")
    assert len(found) == MOST_FINDINGS + 1
    assert (found[-1].code, found[-1].severity) == ("too-many-problems", "error")


def test_deep_lists_of_dates_are_told_with_their_whole_paths() -> None:
    found = problems("flags: [{key: a, name: b, metadata: {x: [[2024-01-01, y], [2024-01-02]]}}]")
    assert [problem.path for problem in found] == ["flags.0.metadata.x.0.0", "flags.0.metadata.x.1.0"]


def test_too_many_warnings_are_told_once_with_no_place() -> None:
    rules = "{segment: s, rank: 1}, " * 1001
    found = problems(f"flags: [{{key: a, name: b, rules: [{rules}]}}]\nsegments: []\n")
    assert [problem.line for problem in found if problem.code == "too-many-problems"] == [0, 0]


def test_too_many_warnings_do_not_stop_a_publish() -> None:
    authored = author([SourceFile("f.yml", b"flags:\n" + b"- {key: a, name: b}\n" * 2000)])
    assert authored.ok
    assert len(authored.documents["default"]["flags"]) == 1
    assert len(authored.problems) == MOST_FINDINGS + 1
    assert (authored.problems[-1].code, authored.problems[-1].severity) == ("too-many-problems", "warning")


def test_an_error_after_a_thousand_warnings_is_still_told() -> None:
    found = problems("flags:\n" + "- {key: a, name: b}\n" * 2000 + "- {key: a, name: 1}\n")
    assert ("bad-name", 2002) in [(problem.code, problem.line) for problem in found]


def test_segments_of_a_file_that_is_given_up_are_known_to_other_files() -> None:
    segments = "segments:\n- {key: s, name: S, match_type: ANY_MATCH_TYPE}\n"
    flag = "flags: [{key: f, name: F, rules: [{segment: s}]}]\n"
    wrong = "flags:\n" + "- {a: 1}\n" * 1000
    found = author([SourceFile("a.yml", (wrong + segments).encode()), SourceFile("b.yml", flag.encode())]).problems
    assert "unknown-segment" not in {problem.code for problem in found}


def test_text_without_an_end_behind_a_repeated_key_is_read_once() -> None:
    found = problems('{"a": 1, "a": 1}"' + '\\"' * 200_000, "f.json")
    assert [problem.code for problem in found] == ["duplicate-key"]


def test_place_on_a_long_line_of_json_is_found_quickly() -> None:
    begin = '{"flags": [' + '{"key": "a", "name": "b"},' * 60_000
    found = problems(begin + '{"key": "a", "name": 1}]}', "f.json")
    place = next((problem.line, problem.column) for problem in found if problem.severity == "error")
    assert place == (1, len(begin) + len('{"key": "a", "name": ') + 1)


def test_many_unknown_names_among_many_known_ones_are_told_quickly() -> None:
    segments = "".join(f"- {{key: aaaaaaaaaaaa{n}, name: a, match_type: ANY_MATCH_TYPE}}\n" for n in range(3000))
    rules = ",".join(f"{{segment: aaaaaaaaaaab{n}}}" for n in range(3000))
    found = problems(f"segments:\n{segments}flags: [{{key: a, name: b, rules: [{rules}]}}]\n")
    assert found[-1].code == "too-many-problems"


def test_long_key_is_cut_in_the_path_of_a_problem() -> None:
    dates = ", ".join(["2024-01-01"] * 1001)
    found = problems(f"flags: [{{key: a, name: b, metadata: {{{'x' * 900}: [{dates}]}}}}]")
    assert {problem.path for problem in found[:-1]} == {f"flags.0.metadata.{'x' * 200}.{n}" for n in range(1000)}
