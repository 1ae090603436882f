"""Flipt's own Python SDK, a native engine behind ctypes; its contexts are texts only.

It fetches from loopback. With RUST_BACKTRACE set a fetch that fails would abort the whole process.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import CONTROL, Question, Workload
from .port import Call, Source


def write(workload: Workload, folder: Path) -> None:
    """The snapshot that burgee serves to this client."""
    from burgee.bundle.document import Document
    from burgee.bundle.flipt import client_snapshot

    from ..authored import document_of

    (folder / "snapshot.json").write_bytes(client_snapshot(Document(document_of(workload)), 0)[0])


class Contender:
    """`FliptClient.evaluate_boolean`, `evaluate_variant` and `evaluate_batch`."""

    def __init__(self) -> None:
        from flipt_client import FliptClient
        from flipt_client.models import ClientOptions, EvaluationRequest

        self._open, self._options, self._request = FliptClient, ClientOptions, EvaluationRequest
        self._client: Any = None

    def load(self, source: Source) -> None:
        self.close()
        self._client = self._open(opts=self._options(url=source.url, namespace="default"))

    def call(self, question: Question) -> Call:
        ask = self._client.evaluate_boolean if question.is_boolean else self._client.evaluate_variant
        return partial(ask, question.flag, question.entity, _texts(question))

    def answer(self, result: Any) -> Answer:
        return bool(result.enabled) if hasattr(result, "enabled") else str(result.variant_key or CONTROL)

    def call_all(self, flags: list[str], question: Question) -> Call:
        context = _texts(question)
        requests = [self._request(flag_key=flag, entity_id=question.entity, context=context) for flag in flags]
        return partial(self._client.evaluate_batch, requests)

    def answers(self, result: Any) -> dict[str, Answer]:
        found = [one.boolean_evaluation_response or one.variant_evaluation_response for one in result.responses]
        return {one.flag_key: self.answer(one) for one in found}

    def close(self) -> None:
        if self._client:
            self._client.close()


def _texts(question: Question) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in question.context.items()
    }
