"""What the client programs in Python have in common: a line of JSON asks, a line of JSON answers.

    {"do": "open", "url": ..., "environment": ..., "namespace": ..., "token": ...}       {}
    {"do": "evaluate", "questions": [{"kind", "flag", "entity", "context"}, ...]}        {"answers": [...]}
    {"do": "close"}                                                                      {}
    {"do": "batch", "questions": [...]}                                                  {"answers": [...]}
    {"do": "flags"}                                                                      {"flags": [...]}
    {"do": "refresh"}                                                                    {}

What a client raises becomes `{"error": {"name", "message"}}`, in the place of one answer or of the whole line. Only
some clients have the last three. The programs in JavaScript speak the same: lines.mjs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable


class Place(NamedTuple):
    """Where to get flags from; an empty token is none."""

    url: str
    environment: str = "default"
    namespace: str = "default"
    token: str = ""


class Question(NamedTuple):
    """One evaluation; `kind` is `boolean` or `variant`."""

    kind: str
    flag: str
    entity: str
    context: dict[str, str]


class Opened(Protocol):
    """A client that has been opened."""

    def evaluate(self, question: Question) -> dict[str, Any]: ...
    def close(self) -> None: ...


@runtime_checkable
class Listing(Protocol):
    """A client that evaluates many at once and lists flags."""

    def batch(self, questions: list[Question]) -> list[dict[str, Any]]: ...
    def flags(self) -> list[str]: ...


def answer_lines(open_client: Callable[[Place], Opened]) -> None:
    """Answer what is asked on standard input until it ends."""
    opened: Opened | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            match asked.pop("do"):
                case "open" if opened is None:
                    opened = open_client(Place(**asked))
                case "close":
                    if opened is not None:
                        opened.close()
                    opened = None
                case "evaluate" if opened is not None:
                    answer["answers"] = [_answer(opened, Question(**question)) for question in asked["questions"]]
                case "batch" if isinstance(opened, Listing):
                    answer["answers"] = opened.batch([Question(**question) for question in asked["questions"]])
                case "flags" if isinstance(opened, Listing):
                    answer["flags"] = opened.flags()
                case other:
                    raise RuntimeError(f"cannot {other} now")
        except Exception as error:
            answer = _failure(error)
        print(json.dumps(answer), flush=True)


def of_boolean(answer: Any) -> dict[str, Any]:
    """An answer for a boolean flag, whose fields have the same names in all of Flipt's Python packages."""
    return {"value": answer.enabled, "reason": answer.reason, "segments": answer.segment_keys}


def of_variant(answer: Any) -> dict[str, Any]:
    """An answer for a variant flag, likewise."""
    return {
        "value": answer.variant_key,
        "match": answer.match,
        "attachment": answer.variant_attachment,
        "reason": answer.reason,
        "segments": answer.segment_keys,
    }


def _answer(opened: Opened, question: Question) -> dict[str, Any]:
    try:
        return opened.evaluate(question)
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> dict[str, Any]:
    return {"error": {"name": type(error).__name__, "message": str(error)}}
