"""PyPI `flipt-client`, which fetches a snapshot and evaluates by itself; the argument is `polling` or `streaming`."""

from __future__ import annotations

import sys
from typing import Any

from flipt_client import FliptClient
from flipt_client.models import ClientOptions, ClientTokenAuthentication, ErrorStrategy, EvaluationRequest, FetchMode

from tests.e2e.clients.lines import Place, Question, answer_lines, of_boolean, of_variant


class Engine:
    """The client as an application has it that wants the last good answers when the network fails."""

    def __init__(self, place: Place, mode: FetchMode) -> None:
        self._client = FliptClient(
            opts=ClientOptions(
                url=place.url,
                environment=place.environment,
                namespace=place.namespace,
                authentication=ClientTokenAuthentication(client_token=place.token) if place.token else None,
                update_interval=1,
                fetch_mode=mode,
                error_strategy=ErrorStrategy.FALLBACK,
            )
        )

    def evaluate(self, question: Question) -> dict[str, Any]:
        if question.kind == "boolean":
            return of_boolean(self._client.evaluate_boolean(question.flag, question.entity, question.context))
        return of_variant(self._client.evaluate_variant(question.flag, question.entity, question.context))

    def batch(self, questions: list[Question]) -> list[dict[str, Any]]:
        requests = [
            EvaluationRequest(flag_key=question.flag, entity_id=question.entity, context=question.context)
            for question in questions
        ]
        return [_answer(response) for response in self._client.evaluate_batch(requests).responses]

    def flags(self) -> list[str]:
        return [flag.key for flag in self._client.list_flags()]

    def close(self) -> None:
        self._client.close()


def _answer(response: Any) -> dict[str, Any]:
    if response.boolean_evaluation_response:
        return of_boolean(response.boolean_evaluation_response)
    if response.variant_evaluation_response:
        return of_variant(response.variant_evaluation_response)
    return {"error": {"name": response.error_evaluation_response.reason, "message": ""}}


if __name__ == "__main__":
    answer_lines(lambda place: Engine(place, FetchMode(sys.argv[1])))
