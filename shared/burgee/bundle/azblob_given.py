"""What variables give to ask Azure's storage with: a signed URL's query, or an account's key.

Law: no message repeats them, and a signed URL goes nowhere that others can listen to. A key is never sent.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from .addresses import keeps_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SAS = "AZURE_STORAGE_SAS_TOKEN"
_KEY = "AZURE_STORAGE_KEY"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


class Given(namedtuple("Given", "sas key source")):
    """One of `sas` and `key`, the other one None; `source` is words for people. What is secret is not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Given({self.source})"


def given_credentials(environ: Mapping[str, str], account: str, endpoint: str) -> Given | None:
    """That of AZURE_STORAGE_SAS_TOKEN, else of AZURE_STORAGE_KEY, else None.

    Raises ConfigurationError for what can be neither, and for a signed URL that `endpoint` would be told in the clear.
    """
    sas, key = environ.get(_SAS, "").strip().removeprefix("?"), environ.get(_KEY, "").strip()
    if sas:
        # A blank or a fragment would end it on its way, and whatever stands around it is no part of it.
        if "sig=" not in sas or not sas.isascii() or not sas.isprintable() or set(sas) & set(" #\"'?"):
            raise ConfigurationError(
                f"{_SAS} is no query of a signed URL: wanted sv=...&sp=...&sig=..., nothing around"
            )
        if not keeps_secrets(endpoint):
            raise ConfigurationError(
                f"{_SAS} is shown over https only, and {endpoint} is not: use https, or {_KEY}, which is not sent"
            )
        return Given(sas, None, f"the signed URL of {_SAS}")
    if not key:
        return None
    if set(key) - _BASE64 or len(key) % 4:
        raise ConfigurationError(f"{_KEY} is no key of a storage account, which is base64")
    return Given(None, key, f"the key of account {account} ({_KEY})")
