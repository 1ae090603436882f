"""Reading bytes: limits, scalars, positions."""

import time

import pytest
import yaml

from burgee.author.authored import SourceFile, author
from burgee.author.read import LARGEST_FILE, read
from burgee.author.scalars import Scalars, Timestamp


def codes(content: bytes, path: str = "f.yml") -> list[str]:
    return [finding.code for finding in read(path, content).findings]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("017", 15),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+5", 5),
        (".5", 0.5),
        ("08", 8.0),
        ("1e1", 10.0),
        ("1.", 1.0),
        ("-", "-"),
        ("_1", "_1"),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("True", True),
        ("tRUE", "tRUE"),
        ("2024-13-01", "2024-13-01"),
    ],
)
def test_plain_scalar_means_what_it_means_to_flipt(text: str, meaning: object) -> None:
    value = Scalars()[text]
    assert value == meaning
    assert type(value) is type(meaning)


@pytest.mark.parametrize(
    "text", ["2024-01-01", "2024-1-1", "2024-01-01T00:00:00Z", "2024-01-01 10:00:00", "0000-02-29"]
)
def test_unquoted_date_is_a_kind_of_its_own(text: str) -> None:
    assert type(Scalars()[text]) is Timestamp


def test_file_beyond_the_limit_is_refused_with_advice() -> None:
    finding = read("f.yml", b" " * (LARGEST_FILE + 1)).findings[0]
    assert (finding.code, finding.hint) == (
        "file-too-large",
        "split the flags over several files; files of one namespace merge",
    )


def test_not_utf8_says_the_byte_offset() -> None:
    assert "0xff at byte offset 6" in read("f.yml", b"\xef\xbb\xbfa: \xff").findings[0].message


def test_merges_of_merges_keep_the_first_and_the_written() -> None:
    text = b"a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*b, *a], z: 3}\n"
    assert read("f.yml", text).documents[0]["c"] == {"x": 1, "y": 2, "z": 3}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a: {<<: 1}", "bad-merge"),
        (b"a: {<<: {}, <<: {}}", "duplicate-key"),
        (b"? [a]\n: 1", "key-not-text"),
        (b"a: &x [*x]", "unknown-alias"),
        (b"a: !!set {}", "unsupported-tag"),
        (b"a: !!int x", "unsupported-tag"),
        (b"a: !!binary '*'", "unsupported-tag"),
        (b'a: "\\ud800"', "syntax"),
        (b"a: \x01", "syntax"),
        (b"\ta: 1", "syntax"),
    ],
)
def test_odd_yaml_is_a_finding(text: bytes, code: str) -> None:
    assert codes(text) == [code]


def test_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 30)]
    begin = time.process_time()
    assert codes("\n".join(lines).encode()) == ["too-many-aliases"]
    assert time.process_time() - begin < 1


def test_long_text_repeated_by_aliases_is_refused() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 500)}]\n"
    assert codes(text.encode()) == ["too-many-aliases"]


def test_deep_nesting_is_a_finding_everywhere() -> None:
    nested = "[" * 150 + "]" * 150
    flags = '{"flags":[{"key":"f","name":"F","variants":[{"key":"a","attachment":%s}],"metadata":{"a":%s}}]}'
    for path in ("f.yml", "f.json"):
        problems = author([SourceFile(path, (flags % (nested, nested)).encode())]).problems
        assert {problem.code for problem in problems} == {"nested-too-deep"}


def test_numbers_beyond_binary64_are_findings() -> None:
    assert codes(b"a: 1" + b"0" * 5000) == ["non-finite-number"]
    assert codes(b'{"a": 1' + b"0" * 5000 + b"}", "f.json") == ["non-finite-number"]
    assert codes(b'{"a": 1e999}', "f.json") == ["non-finite-number"]


def test_pure_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"flags:\n- &a {key: f, name: F, metadata: {a: 1}}\n- {<<: *a, key: 'g'}\n---\nx: [1, '2', 2024-01-01]\n"
    fast = read("f.yml", text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read("f.yml", text) == fast
    assert codes(b"a: [") == ["syntax"]
    assert codes(b'a: "\\U99999999"') == ["syntax"]
    assert codes(b'a: "\\ud800"') == ["lone-surrogate"]


def test_problem_is_at_the_deepest_node_across_documents() -> None:
    segment = b"  - key: s\n    name: S\n    match_type: ANY_MATCH_TYPE\n    constraints:\n      - type: X\n"
    text = b"flags: []\n---\nsegments:\n" + segment
    problems = author([SourceFile("f.yml", text)]).problems
    places = {(problem.path, problem.line, problem.column) for problem in problems if problem.severity == "error"}
    assert ("segments.0.constraints.0.type", 8, 15) in places
    assert ("segments.0.constraints.0.property", 8, 9) in places


def test_unknown_field_is_at_its_name_and_columns_count_characters() -> None:
    text = '{"flags": [{"key": "f", "name": "é😀", "x": {\n"a": 1}}]}'.encode()
    for path in ("f.yml", "f.json"):
        problem = author([SourceFile(path, text)]).problems[0]
        assert (problem.line, problem.column) == (1, 39)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("flags:\n<<<<<<< HEAD\n- key: a\n=======\n- key: b\n", 2, "merge conflict", "keep one side"),
        ("flags:\n- key: a\n  name: A: b\n", 3, "mapping values", "quote a text"),
        ('flags:\n- key: "a\n  name: A\n', 4, "began in line 2", "quotes"),
    ],
)
def test_broken_yaml_says_where_it_began_and_what_to_do(text: str, line: int, message: str, hint: str) -> None:
    (finding,) = read("features.yaml", text.encode()).findings
    assert finding.line == line
    assert message in finding.message and hint in finding.hint
