"""From bytes to the first answer with 10,000 flags, burgee's digests verified on the way."""

from __future__ import annotations

import gc
import json

from .authored import document_of
from .contenders import FLIPT, OURS, running, title
from .measure import Table, Target, milliseconds, side_by_side
from .workload import workload

COUNT = 10_000
_PATIENCE = 3


def run(rounds: int) -> list[Table]:
    """A new client until its first answer, burgee's from a folder and Flipt's from a server on loopback.

    Beside them `json.loads` of the document, and nothing else.
    """
    content = document_of(workload(COUNT))
    # A collection during `json.loads` has nothing to do with what this process holds.
    gc.freeze()
    with running(COUNT, (OURS, FLIPT)) as contenders:
        for contender in contenders.values():
            contender.load()
        ours, flipt = contenders.values()
        measures = {
            OURS: lambda: ours.load() * 1000,
            title(FLIPT): lambda: flipt.load() * 1000,
            "json.loads": lambda: milliseconds(lambda: json.loads(content)),
        }
        row = side_by_side(f"{COUNT:,} flags, {len(content) / 1e6:.1f} MB", rounds * _PATIENCE, measures)
    target = Target(f"{COUNT:,} flags, {title(FLIPT)}", row.ratios[title(FLIPT)], 12, 18)
    return [Table("from bytes to the first answer", "ms", (row,), (target,))]
