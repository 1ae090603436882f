"""Verdicts on flag tests as JUnit's XML, which CI systems show beside those of programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from ..core.errors import Problem
from ..core.visible import visible
from ..deliver.verdict import Verdict

# What no XML document may hold, not even as a reference.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(suites: Iterable[tuple[str, str, Sequence[Verdict]]], problems: Sequence[Problem]) -> bytes:
    """A report: `suites` are (environment, file, verdicts); each problem is a case that could not be run."""
    top = Element("testsuites", name="burgee")
    for environment, file, verdicts in suites:
        failed = sum(not verdict.passed for verdict in verdicts)
        attributes = {"name": f"{environment}: {file}", "tests": f"{len(verdicts)}", "failures": f"{failed}"}
        suite = _element(top, "testsuite", **attributes, errors="0")
        for verdict in verdicts:
            _case(suite, environment, file, verdict)
    if problems:
        count = str(len(problems))
        suite = _element(top, "testsuite", name="problems", tests=count, failures="0", errors=count)
        for problem in problems:
            case = _element(suite, "testcase", classname=problem.file, name=problem.code)
            _element(case, "error", message=str(problem), type=problem.code)
    report: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return report + b"\n"


def _case(suite: Element, environment: str, file: str, verdict: Verdict) -> None:
    name = f"{verdict.flag} {verdict.title}".rstrip()
    case = _element(suite, "testcase", classname=f"{environment}.{verdict.namespace}", name=name)
    case.set("file", _xml(file))
    case.set("line", str(verdict.line))
    if not verdict.passed:
        _element(case, "failure", message=verdict.finding().message, type=verdict.finding().code)


def _element(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, {name: _xml(text) for name, text in attributes.items()})


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", visible(text))
