"""A job: what a message of the queue asks for. It says that something may have moved, never what is to be published."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal, TypeGuard

from ..core.errors import InvalidRequest
from ..git.refs import is_commit

FORMAT = 1
# How the deduplication of a message begins that came back from the dead letters.
REDRIVEN = "redrive:"
_CONTROL = frozenset(map(chr, (*range(32), 127)))
_SURROGATE = re.compile("[\ud800-\udfff]")
Cause = Literal["push", "timer"]


@dataclass(frozen=True, slots=True)
class Job:
    """`ref` and `commit` are what was pushed, and `delivery` names the event at its host; a timer has a `tick`."""

    cause: Cause
    ref: str | None = None
    commit: str | None = None
    delivery: str | None = None
    tick: str | None = None

    def __str__(self) -> str:
        return f"push of {self.ref} ({self.delivery})" if self.cause == "push" else f"tick of {self.tick}"


def encode_job(job: Job) -> str:
    """The job as the body of a message."""
    fields = {"cause": job.cause, "ref": job.ref, "commit": job.commit, "delivery": job.delivery, "tick": job.tick}
    return json.dumps({"format": FORMAT, **{name: value for name, value in fields.items() if value is not None}})


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is a line of text that every log and message takes."""
    return isinstance(value, str) and _CONTROL.isdisjoint(value) and _SURROGATE.search(value) is None


def decode_job(body: str) -> Job:
    """The job in the body of a message. Raises InvalidRequest for another message."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"wanted a job as JSON, got {body[:60]!r}") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT or fields.get("cause") not in ("push", "timer"):
        raise InvalidRequest(f"wanted a job of format {FORMAT} whose cause is push or timer, got {body[:60]!r}")
    texts = {name: fields.get(name) for name in ("ref", "commit", "delivery", "tick")}
    wrong = [name for name, value in texts.items() if value is not None and not is_text(value)]
    if wrong:
        raise InvalidRequest(f"wanted `{wrong[0]}` of a job as text, got {texts[wrong[0]]!r:.60}")
    # It becomes a part of addresses that are asked with the Git token.
    if texts["commit"] is not None and not is_commit(texts["commit"]):
        raise InvalidRequest(f"wanted a job whose `commit` is the id of one, got {texts['commit']!r:.60}")
    return Job(fields["cause"], **texts)
