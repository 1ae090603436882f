"""References as other programs write them, or with a slip of the pen, and how the same place is written here."""

from __future__ import annotations

import re

from ..bundle.addresses import shown_url
from ..bundle.oci_address import read_oci_address
from ..core.errors import ConfigurationError
from .opening import KNOWN

EXAMPLES = "oci://ghcr.io/acme/flags:production, s3://acme-flags#production or ./bundles:production"
WEB = ("http", "https")

_LAYOUT = "oci-layout"
# At least two letters, or it is a drive.
_ONE_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(.*)", re.DOTALL)
_LOCAL = ("file", _LAYOUT)
# Flipt's own name for what it keeps in its folder of bundles.
_IN_FOLDER = "local/"


def is_foreign(text: str) -> bool:
    """Whether it is a URL with a scheme that no place here has."""
    scheme, colon, _ = text.partition("://")
    return bool(colon) and scheme.lower() not in (*KNOWN, *WEB, _LAYOUT)


def refuse_foreign(text: str) -> None:
    """Raises ConfigurationError for what names a bundle in another program's way, with what to write instead."""
    scheme, colon, rest = text.partition("://")
    if not colon:
        return _refuse_one_slash(text)
    scheme = scheme.lower()
    if scheme in WEB:
        return _refuse_registry(scheme, rest, text)
    if not is_foreign(text):
        return None
    match scheme:
        case "docker":
            how = f"a bundle in a registry is named as {registry_url('', rest)}"
        case "flipt" if rest.startswith(_IN_FOLDER):
            how = (
                "Flipt's own bundles are folders below its configuration: name this one as "
                f"<config dir>/bundles/{rest.removeprefix(_IN_FOLDER)}, where that is ~/.config/flipt unless you set it"
            )
        case _:
            how = f"a bundle is named as {EXAMPLES}"
    raise ConfigurationError(f"{scheme!r} is no scheme of a place of bundles in {shown_url(text)!r}; {how}")


def registry_url(scheme: str, rest: str) -> str:
    """What follows `://` in a registry's address as an `oci` URL; spoken to by `scheme`, if that is http or https."""
    url = shown_url(f"oci://{rest}") if "@sha256:" not in rest else f"oci://{rest}"
    try:
        base = read_oci_address(url).base
    except ConfigurationError:
        return "oci://ghcr.io/acme/flags:production"
    if scheme not in WEB or base.startswith(f"{scheme}://"):
        return url
    return f"{url}?endpoint={scheme}://{rest.partition('/')[0]}"


def _refuse_registry(scheme: str, rest: str, text: str) -> None:
    """A web server's store is all before a `#`, so a tag or a digest is that of a registry's bundle."""
    _, slash, path = rest.partition("?")[0].partition("/")
    if "#" in text or not slash or ":" not in path.rpartition("/")[2]:
        return
    raise ConfigurationError(
        f"{scheme!r} is no scheme of a registry in {shown_url(text)!r}; a bundle in a registry is named as "
        f"{registry_url(scheme, rest)}, one in a store behind a web server as {scheme}://...#production"
    )


def _refuse_one_slash(text: str) -> None:
    found = _ONE_SLASH.match(text)
    if found is None:
        return
    scheme, rest = found[1].lower(), found[2]
    url = shown_url(f"{scheme}://{'/' if scheme in _LOCAL else ''}{rest}")
    raise ConfigurationError(
        f"wanted {url}, with two slashes behind the scheme, or a folder's path without one; got one"
    )
