"""From the bytes of a document of 10,000 flags to the first answer, its digest verified on the way."""

from __future__ import annotations

import json
from typing import Any

from burgee.bundle.digest import digest_of, verify
from burgee.bundle.document import Document
from burgee.bundle.flipt import client_snapshot

from .evaluate import document_of, namespace_of
from .flags import questions
from .flipt_client_process import serving
from .measure import Table, milliseconds, side_by_side

COUNT = 10_000


def run(rounds: int) -> list[Table]:
    """The first answer beside that of Flipt's client, from a server on loopback, and beside `json.loads`."""
    document = document_of(COUNT)
    content, digest = document.content, digest_of(document.content)
    snapshot, question = client_snapshot(document)[0], questions(COUNT)[0]

    def first_answer() -> Any:
        return namespace_of(Document(verify(content, digest))).evaluate(*question[1:], 0)

    with serving(snapshot) as client:
        contenders = {
            "burgee": lambda: milliseconds(first_answer),
            "flipt-client": lambda: client.load(question) * 1000,
            "json.loads": lambda: milliseconds(lambda: json.loads(content)),
        }
        row = side_by_side(f"{COUNT:,} flags, {len(content) / 1e6:.1f} MB", rounds, contenders)
    return [Table("load, from bytes to the first answer", "ms", (row,))]
