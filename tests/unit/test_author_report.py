"""Reports of problems, and the schema for editors."""

import json

from burgee.author.jsonschema import features_schema
from burgee.author.report import github_report, json_report, sarif_report, text_report
from burgee.core.errors import Problem

_PROBLEMS = (
    Problem("a,b/f.yml", 12, 9, "flags.0.key", "error", "bad-key", "wanted 100%\nof it", "try\x1b[2J again"),
    Problem("g.yml", 0, 0, "", "warning", "syntax", "odd"),
)


def test_text_has_a_line_for_each_problem_and_a_summary() -> None:
    assert text_report(_PROBLEMS) == (
        "a,b/f.yml:12:9: error: wanted 100%\\x0aof it [bad-key]\n"
        "    hint: try\\x1b[2J again\n"
        "g.yml:0:0: warning: odd [syntax]\n"
        "1 error, 1 warning\n"
    )
    assert "\x1b[31merror" in text_report(_PROBLEMS, colour=True)


def test_json_is_a_list_of_problems() -> None:
    assert [Problem(**one) for one in json.loads(json_report(_PROBLEMS))] == list(_PROBLEMS)


def test_sarif_lists_its_rules_and_leaves_unknown_lines_out() -> None:
    run = json.loads(sarif_report(_PROBLEMS))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["bad-key", "syntax"]
    first, second = run["results"]
    assert first["level"] == "error"
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 12, "startColumn": 9}
    assert "region" not in second["locations"][0]["physicalLocation"]


def test_github_annotations_are_escaped() -> None:
    assert github_report(_PROBLEMS).splitlines() == [
        "::error file=a%2Cb/f.yml,line=12,col=9,title=bad-key::wanted 100%25%0Aof it; try\x1b[2J again",
        "::warning file=g.yml,title=syntax::odd",
    ]


def test_every_report_takes_no_problems() -> None:
    assert all(report(()) is not None for report in (text_report, json_report, sarif_report, github_report))


def test_features_schema_has_the_tables_of_the_checks() -> None:
    schema = features_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["$defs"]["flag"]["properties"]) >= {"key", "rollouts", "metadata"}
    json.dumps(schema)
