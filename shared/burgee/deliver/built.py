"""What one process keeps from a publish for the next, so that only what has changed is built again."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..author.authored import ParsedFiles
from .candidate import CompiledDocuments
from .shown import Shown


@dataclass(frozen=True, slots=True)
class Built:
    """Files that were parsed and merged, the documents they were compiled to, and what stores show of those.

    `mirrors` are the allowed ones that burgee.yaml named for each environment when it was read last.
    """

    parsed: ParsedFiles = field(default_factory=ParsedFiles)
    compiled: CompiledDocuments = field(default_factory=CompiledDocuments)
    shown: Shown = field(default_factory=Shown)
    mirrors: dict[str, tuple[str, ...]] = field(default_factory=dict)
