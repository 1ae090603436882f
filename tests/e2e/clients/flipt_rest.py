"""Uses PyPI `flipt` (the REST client) unmodified against the URL it is given, and prints what it got as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from flipt import FliptClient
from flipt.evaluation import BatchEvaluationRequest, EvaluationRequest


def main() -> None:
    client = FliptClient(url=sys.argv[1])
    asked = {
        "boolean": EvaluationRequest(namespace_key="default", flag_key="a", entity_id="user-1", context={}),
        "variant": EvaluationRequest(
            namespace_key="default", flag_key="v", entity_id="user-1", context={"plan": "pro"}
        ),
        "missing": EvaluationRequest(namespace_key="default", flag_key="nope", entity_id="user-1", context={}),
    }
    got: dict[str, Any] = {
        "boolean": client.evaluation.boolean(asked["boolean"]).model_dump(mode="json"),
        "variant": client.evaluation.variant(asked["variant"]).model_dump(mode="json"),
        "batch": client.evaluation.batch(BatchEvaluationRequest(requests=list(asked.values()))).model_dump(mode="json"),
        "flags": client.flag.list_flags(namespace_key="default").model_dump(mode="json"),
    }
    try:
        client.evaluation.boolean(asked["missing"])
    except Exception as error:
        got["error"] = str(error)
    print(json.dumps(got))


if __name__ == "__main__":
    main()
