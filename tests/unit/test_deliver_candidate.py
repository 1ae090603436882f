"""A candidate has its flags in memory; what is made from them is what a reader makes of its bytes."""

from __future__ import annotations

from random import Random

import pytest

from burgee.bundle.document import Document
from burgee.bundle.flipt import client_snapshot
from burgee.deliver.candidate import compile_bundle
from tests.conformance.generated import a_generated_document


@pytest.mark.parametrize("seed", range(20))
def test_the_snapshot_of_a_candidate_is_that_of_its_bytes(seed: int) -> None:
    (document,) = compile_bundle([a_generated_document(Random(seed), flags=20)]).documents.values()
    assert client_snapshot(document, 0) == client_snapshot(Document(document.content), 0)
