"""From the bytes of a document of 10,000 flags to the first answer, its digest verified on the way."""

from __future__ import annotations

import json
from typing import Any

from burgee.bundle.digest import digest_of, verify

from .evaluate import namespace_of, published
from .flags import questions
from .flipt_client_process import serving
from .measure import Table, milliseconds, side_by_side

COUNT = 10_000


def run(rounds: int) -> list[Table]:
    """The first answer beside that of Flipt's client, from a server on loopback, and beside `json.loads`."""
    content, snapshot = published(COUNT)
    digest, question = digest_of(content), questions(COUNT)[0]

    def first_answer() -> Any:
        namespace = namespace_of(verify(content, digest))
        return namespace.evaluate(question.flag, question.entity, question.context, 0)

    with serving(snapshot) as client:
        contenders = {
            "burgee": lambda: milliseconds(first_answer),
            "flipt-client": lambda: client.load(question) * 1000,
            "json.loads": lambda: milliseconds(lambda: json.loads(content)),
        }
        row = side_by_side(f"{COUNT:,} flags, {len(content) / 1e6:.1f} MB", rounds, contenders)
    return [Table("load, from bytes to the first answer", "ms", (row,))]
