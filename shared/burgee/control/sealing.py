"""From settings to what signs heads."""

from __future__ import annotations

from collections.abc import Mapping

from ..deliver.sealing import Sealing
from ..settings import Settings
from ..sign.opening import open_signers


def open_sealing(settings: Settings, environ: Mapping[str, str], *, unsigned: bool = False) -> Sealing:
    """What signs heads with the keys that the settings name; `unsigned` lets them follow a head that was signed.

    Asks no key yet. Raises ConfigurationError.
    """
    return Sealing(open_signers(settings.signing_keys, environ), settings.signature_validity_ms, unsigned)
