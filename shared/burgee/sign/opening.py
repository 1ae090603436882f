"""From URLs to signers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import ConfigurationError
from .port import Signer

# What keys of a scheme need, and the extras that bring it.
_EXTRAS = {
    "file": ("signing needs cryptography", "the extra `verify`"),
    "awskms": ("keys in AWS need boto3 and cryptography", "the extras `aws` and `verify`"),
    "azurekms": ("keys in Azure need azure-keyvault-keys and cryptography", "the extras `azure` and `verify`"),
    "gcpkms": ("keys in Google Cloud need google-cloud-storage and cryptography", "the extras `gcp` and `verify`"),
}


def open_signers(urls: Sequence[str], environ: Mapping[str, str]) -> tuple[Signer, ...]:
    """The signers at `urls`, none for none. Raises as `open_signer`."""
    return tuple(open_signer(url, environ) for url in urls)


def open_signer(url: str, environ: Mapping[str, str]) -> Signer:
    """The signer at `url`, as `file:///run/secrets/key.pem` or `awskms:///alias/burgee`; opens no connection.

    `environ` is where those in clouds find their credentials. Raises ConfigurationError for a URL that names no key,
    for a file that has none, and for variables that are wrong.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in _EXTRAS or "://" not in url:
        # Somebody may have put the key itself into the place of its URL.
        raise ConfigurationError(
            f"a key to sign with is named by a URL such as file:///run/secrets/key.pem or awskms:///alias/burgee; "
            f"known: {', '.join(_EXTRAS)}"
        )
    try:
        import cryptography  # noqa: F401 - every one of them needs it

        return _opened(scheme, url, environ)
    except ModuleNotFoundError as error:
        needed, extras = _EXTRAS[scheme]
        raise ConfigurationError(f"{needed} ({error}): install burgee with {extras}") from error


def _opened(scheme: str, url: str, environ: Mapping[str, str]) -> Signer:
    if scheme == "file":
        from .key_file import FileSigner

        return FileSigner(url, _path(url))
    from .remote import RemoteSigner

    match scheme:
        case "awskms":
            from .aws import AwsKey

            return RemoteSigner(url, AwsKey(url, environ))
        case "azurekms":
            from .azure import AzureKey

            return RemoteSigner(url, AzureKey(url, environ))
        case _:
            from .gcp import GcpKey

            return RemoteSigner(url, GcpKey(url, environ))


def _path(url: str) -> Path:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or parts.query or "\0" in path:
        raise ConfigurationError(f"the file of a key is named as file:///run/secrets/key.pem, got {url!r}")
    return Path(path)
