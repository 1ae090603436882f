"""burgee's own SDK over a `file://` store, to which the flags were published."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import CONTROL, Question, Workload
from .port import Call, Source

ENVIRONMENT = "production"
# In the past, or the release would still be pending.
_PUBLISHED_AT = 1_700_000_000_000


def write(workload: Workload, folder: Path) -> None:
    """A store with one release."""
    from burgee.store.file import FileObjects
    from burgee.store.objects import ObjectStore
    from tests.fakes.publisher import publish

    from ..authored import document_of

    store = ObjectStore(FileObjects(folder / "store"))
    publish(store, {"default": document_of(workload)}, at=_PUBLISHED_AT, environment=ENVIRONMENT)


def url_of(folder: Path) -> str:
    """The address of the store in a folder."""
    return f"file://{folder}/store"


class Contender:
    """`Client.boolean`, `variant` and `evaluate_all`."""

    def __init__(self) -> None:
        from burgee.client import Client

        self._open = Client
        self._client: Any = None

    def load(self, source: Source) -> None:
        self.close()
        self._client = self._open(url_of(source.folder), environment=ENVIRONMENT)

    def call(self, question: Question) -> Call:
        ask = self._client.boolean if question.is_boolean else self._client.variant
        return partial(ask, question.flag, question.entity, question.context)

    def answer(self, result: Any) -> Answer:
        return bool(result.enabled) if hasattr(result, "enabled") else str(result.variant_key or CONTROL)

    def call_all(self, flags: list[str], question: Question) -> Call:
        return partial(self._client.evaluate_all, question.entity, question.context)

    def answers(self, result: Any) -> dict[str, Answer]:
        return {flag: self.answer(one) for flag, one in result.items()}

    def close(self) -> None:
        if self._client:
            self._client.close()
