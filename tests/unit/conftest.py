"""Fixtures of several of these modules."""

from __future__ import annotations

from tests.commands import burgee, made, shop

__all__ = ["burgee", "made", "shop"]
