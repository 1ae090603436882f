"""The project file."""

import pytest

from burgee.author.durations import parse_duration
from burgee.author.project import Environment, project_schema, read_project
from burgee.core.errors import InvalidFiles

_FULL = b"""version: 1
environments:
  staging: {default: true, directory: ./flags/staging/, ignore: ["docs/**"]}
  production:
    ref: release/1
    directory: flags/production
    activation_delay: 2m
    max_reader_ttl: 1m30s
    mirrors: ["oci://ghcr.io/acme/flags", "gs://acme-flags"]
    profile: S2+/server
pipelines: {web: {phases: [1]}}
"""


def problems(content: bytes) -> list[tuple[str, str, int, int]]:
    with pytest.raises(InvalidFiles) as raised:
        read_project(content)
    return [(problem.code, problem.path, problem.line, problem.column) for problem in raised.value.problems]


def test_full_project_is_read() -> None:
    project = read_project(_FULL)
    assert project.default == "staging"
    assert project.environments["staging"] == Environment(directory="flags/staging", ignore=("docs/**",))
    assert project.environments["production"] == Environment(
        ref="release/1",
        directory="flags/production",
        activation_delay=120_000,
        max_reader_ttl=90,
        mirrors=("oci://ghcr.io/acme/flags", "gs://acme-flags"),
        profile="S2+/server",
    )
    assert project.pipelines == {"web": {"phases": [1]}}


def test_sole_environment_is_the_default() -> None:
    project = read_project(b"version: 1\nenvironments:\n  a:\n")
    assert (project.default, project.environments["a"]) == ("a", Environment())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"ref: ''", "bad-value"),
        (b"ref: 1", "wrong-type"),
        (b"directory: /a", "bad-value"),
        (b"directory: a/../b", "bad-value"),
        (b"ignore: x", "wrong-type"),
        (b"activation_delay: 60", "bad-value"),
        (b"activation_delay: ''", "bad-value"),
        (b"max_reader_ttl: 500ms", "bad-value"),
        (b"mirrors: ['file:///x']", "bad-value"),
        (b"mirrors: ['memory://']", "bad-value"),
        (b"mirrors: ['s3://']", "bad-value"),
        (b"profile: C", "bad-value"),
        (b"default: yes", "wrong-type"),
        (b"nope: 1", "unknown-field"),
    ],
)
def test_wrong_setting_of_an_environment_has_a_place(line: bytes, code: str) -> None:
    found = problems(b"version: 1\nenvironments:\n  a:\n    " + line + b"\n")
    assert [(one[0], one[2]) for one in found] == [(code, 4)]


@pytest.mark.parametrize("name", [b"Prod", b"-a", b"a_b", b"a" * 64])
def test_environment_name_out_of_the_pattern_is_an_error(name: bytes) -> None:
    assert problems(b"version: 1\nenvironments:\n  " + name + b": {}\n")[0][0::2] == ("bad-name", 3)


def test_exactly_one_environment_is_the_default() -> None:
    none = b"version: 1\nenvironments:\n  a: {}\n  b: {}\n"
    two = b"version: 1\nenvironments:\n  a: {default: true}\n  b: {default: true}\n"
    assert problems(none) == [("default-environment", "environments", 3, 3)]
    assert problems(two) == [("default-environment", "environments.b.default", 4, 16)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"---\n---\n",
        b"[]",
        b"version: 2\nenvironments: {a: {}}",
        b"version: true\nenvironments: {a: {}}",
        b"version: 1",
        b"{",
        b"\xff",
    ],
)
def test_wrong_file_is_an_error(content: bytes) -> None:
    assert problems(content)


def test_all_mistakes_are_reported_at_once() -> None:
    found = problems(b"version: 1\nextra: 1\nenvironments:\n  a: {ref: 1, mirrors: [x, y]}\n  A: {}\n")
    assert [one[0] for one in found] == ["unknown-field", "wrong-type", "bad-value", "bad-value", "bad-name"]


@pytest.mark.parametrize(("text", "milliseconds"), [("0s", 0), ("2m", 120_000), ("1h30m", 5_400_000), ("500ms", 500)])
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "2", "m", "1m1h", "-1s", "1.5s", "9999999h", " 1s", 60])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="wanted a duration"):
        parse_duration(text)


def test_schema_lists_the_settings_of_an_environment() -> None:
    environment = project_schema()["$defs"]["_EnvironmentModel"]
    assert environment["additionalProperties"] is False
    assert environment["properties"]["activation_delay"]["type"] == "string"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[z-a]", "from low to high"),
        ("[a-\\d]", "from low to high"),
        ("[[:alpha:]]", "no named classes"),
        ("[a", "wanted a ']'"),
        ("a\\", "after the '\\\\'"),
        ("!", "after the '!'"),
        ("a" * 257, "at most 256 characters"),
    ],
)
def test_ignore_pattern_that_cannot_be_read_is_refused_with_its_reason(pattern: str, message: str) -> None:
    content = f"version: 1\nenvironments: {{a: {{ignore: ['{pattern}']}}}}\n".encode()
    with pytest.raises(InvalidFiles) as raised:
        read_project(content)
    problem = raised.value.problems[0]
    assert problem.code == "bad-value"
    assert message.replace("\\\\", "\\") in problem.message


def test_more_than_two_hundred_ignore_patterns_are_refused() -> None:
    patterns = ", ".join(["a"] * 201)
    content = f"version: 1\nenvironments: {{a: {{ignore: [{patterns}]}}}}\n".encode()
    assert [problem[:2] for problem in problems(content)] == [("bad-value", "environments.a.ignore")]
