"""PyPI `openfeature-sdk` with `openfeature-provider-ofrep` or `openfeature-provider-flipt`: the argument says which."""

from __future__ import annotations

import sys
from typing import Any

from openfeature import api
from openfeature.contrib.provider.flipt import FliptProvider
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from tests.e2e.clients.lines import Place, Question, answer_lines


class OpenFeature:
    """A client of the SDK over the provider."""

    def __init__(self, place: Place) -> None:
        headers = {"X-Flipt-Environment": place.environment}
        if place.token:
            headers["Authorization"] = f"Bearer {place.token}"
        api.set_provider(_provider(place, headers))
        self._client = api.get_client()

    def evaluate(self, question: Question) -> dict[str, Any]:
        context = EvaluationContext(question.entity, dict(question.context))
        if question.kind == "boolean":
            details: Any = self._client.get_boolean_details(question.flag, False, context)
        else:
            details = self._client.get_string_details(question.flag, "the default", context)
        answer = {"value": details.value, "variant": details.variant, "reason": details.reason}
        if details.error_code is not None:
            answer["error"] = {"name": details.error_code, "message": details.error_message}
        return {**answer, "metadata": details.flag_metadata}

    def close(self) -> None:
        api.shutdown()


def _provider(place: Place, headers: dict[str, str]) -> OFREPProvider:
    if sys.argv[1] == "flipt":
        return FliptProvider(place.url, place.namespace, headers_factory=lambda: headers)
    return OFREPProvider(place.url, headers_factory=lambda: {**headers, "X-Flipt-Namespace": place.namespace})


if __name__ == "__main__":
    answer_lines(OpenFeature)
