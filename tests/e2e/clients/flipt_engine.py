"""Uses PyPI `flipt-client` unmodified; a line on standard input asks, a line of JSON answers.

`URL [ENVIRONMENT]` are the arguments. Lines: `boolean FLAG ENTITY JSON`, `variant FLAG ENTITY JSON`, `batch JSON`.
"""

from __future__ import annotations

import json
import sys

from flipt_client import FliptClient
from flipt_client.models import ClientOptions, FetchMode


def main() -> None:
    url, environment, namespace = sys.argv[1], sys.argv[2], sys.argv[3]
    options = ClientOptions(
        url=url, environment=environment, namespace=namespace, update_interval=1, fetch_mode=FetchMode.POLLING
    )
    client = FliptClient(opts=options)
    print("ready", flush=True)
    for line in sys.stdin:
        kind, flag, entity, context = line.rstrip("\n").split(" ", 3)
        evaluate = client.evaluate_boolean if kind == "boolean" else client.evaluate_variant
        try:
            answer = evaluate(flag_key=flag, entity_id=entity, context=json.loads(context))
            print(json.dumps(answer.model_dump(mode="json")), flush=True)
        except Exception as error:
            print(json.dumps({"error": str(error)}), flush=True)
    client.close()


if __name__ == "__main__":
    main()
