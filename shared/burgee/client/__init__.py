"""The Python SDK: published bundles read directly, evaluated in this process; standard library only.

from burgee.client import Client

client = Client("https://flags.example.org", environment="production")
if client.boolean("new-checkout", "user-1", {"plan": "pro"}):
    ...
"""

from __future__ import annotations

from ..core.context import NOBODY
from ..core.errors import (
    BurgeeError,
    ConfigurationError,
    FlagNotFound,
    InvalidContext,
    NamespaceNotFound,
    NotReady,
    Outdated,
    TargetingKeyMissing,
    Untrusted,
    WrongFlagType,
)
from ..core.model import BooleanResult, VariantResult
from ..fetch.live import Status
from .client import Client
from .flags import Flags
from .hooks import Change

__all__ = [
    "NOBODY",
    "BooleanResult",
    "BurgeeError",
    "Change",
    "Client",
    "ConfigurationError",
    "FlagNotFound",
    "Flags",
    "InvalidContext",
    "NamespaceNotFound",
    "NotReady",
    "Outdated",
    "Status",
    "TargetingKeyMissing",
    "Untrusted",
    "VariantResult",
    "WrongFlagType",
]
