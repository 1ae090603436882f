"""PyPI `flipt`, the client of the REST API."""

from __future__ import annotations

from typing import Any

from flipt import FliptClient
from flipt.authentication import ClientTokenAuthentication
from flipt.evaluation import BatchEvaluationRequest, EvaluationRequest, EvaluationResponse
from flipt.exceptions import FliptApiError

from tests.e2e.clients.lines import Place, Question, answer_lines, of_boolean, of_variant


class Rest:
    """The client; it knows nothing of environments, so that one is named by a header."""

    def __init__(self, place: Place) -> None:
        self._namespace = place.namespace
        self._client = FliptClient(
            url=place.url,
            headers={"X-Flipt-Environment": place.environment},
            timeout=10,
            authentication=ClientTokenAuthentication(place.token) if place.token else None,
        )

    def evaluate(self, question: Question) -> dict[str, Any]:
        try:
            if question.kind == "boolean":
                return of_boolean(self._client.evaluation.boolean(self._request(question)))
            return of_variant(self._client.evaluation.variant(self._request(question)))
        except FliptApiError as error:
            return {"error": {"name": "FliptApiError", "message": f"{error.status_code} {error.message}"}}

    def batch(self, questions: list[Question]) -> list[dict[str, Any]]:
        requests = [self._request(question) for question in questions]
        answers = self._client.evaluation.batch(BatchEvaluationRequest(requests=requests)).responses
        return [_answer(answer) for answer in answers]

    def flags(self) -> list[str]:
        return [flag.key for flag in self._client.flag.list_flags(namespace_key=self._namespace).flags]

    def _request(self, question: Question) -> EvaluationRequest:
        return EvaluationRequest(
            namespace_key=self._namespace,
            flag_key=question.flag,
            entity_id=question.entity,
            context=question.context,
        )

    def close(self) -> None:
        self._client.close()


def _answer(response: EvaluationResponse) -> dict[str, Any]:
    if response.boolean_response:
        return of_boolean(response.boolean_response)
    if response.variant_response:
        return of_variant(response.variant_response)
    assert response.error_response is not None
    return {"error": {"name": response.error_response.reason, "message": ""}}


if __name__ == "__main__":
    answer_lines(Rest)
