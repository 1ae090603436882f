"""From a URL to a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from ..bundle.addresses import shown_url
from ..bundle.oci_address import read_repository
from ..core.errors import ConfigurationError
from .pace import HASTE, Pace
from .port import Objects, Store

if TYPE_CHECKING:
    from .registry import Registry

_SINGLE_PUBLISHER = "BURGEE_SINGLE_PUBLISHER"
# What stores of a scheme need, and the extra that brings it.
_EXTRAS = {
    "s3": ("stores in S3 need boto3", "aws"),
    "azblob": ("stores in Azure need azure-storage-blob", "azure"),
    "gs": ("stores in Google Cloud Storage need google-cloud-storage", "gcp"),
    "oci": ("stores in registries need oras", "oci"),
}
KNOWN = ("azblob", "file", "gs", "memory", "oci", "s3")


def open_store(
    url: str, *, environ: Mapping[str, str] | None = None, in_haste: bool = False, as_mirror: bool = False
) -> Store:
    """The store at `url`, as `file:///srv/flags` or `s3://bucket/prefix`; opens no connection.

    `environ` is where stores find their credentials; `in_haste` is for those who are waited for: a store behind a
    network is asked once, and has some three seconds to answer; `as_mirror` is for those who only bring there what a
    primary has, and for readers. Raises ConfigurationError for a URL that names no store, or for variables that are
    wrong.
    """
    if _parts(url).scheme == "oci":
        return _registry(url, environ or {}, in_haste=in_haste, as_mirror=as_mirror)
    from .objects import ObjectStore

    return ObjectStore(open_objects(url, environ=environ, in_haste=in_haste))


def open_objects(url: str, *, environ: Mapping[str, str] | None = None, in_haste: bool = False) -> Objects:
    """The objects of the store at `url`, as `open_store` opens it."""
    parts = _parts(url)
    match parts.scheme:
        case "file":
            from .file import FileObjects

            return FileObjects(_folder(url, parts))
        case "memory":
            from .memory import shared_objects

            return shared_objects(url)
        case "s3" | "azblob" | "gs":
            return _in_a_cloud(parts.scheme, url, environ or {}, in_haste=in_haste)
        case "oci":
            raise ConfigurationError(f"a registry keeps manifests and blobs and has no objects, got {shown_url(url)!r}")
        case "http" | "https":
            raise ConfigurationError(f"a web server can be read from but not published to, got {shown_url(url)!r}")
        case _ if parts.scheme and "://" in url:
            raise ConfigurationError(
                f"unknown store scheme {parts.scheme!r} in {shown_url(url)!r}; known: {', '.join(KNOWN)}"
            )
        case _:
            shown = shown_url(url)
            raise ConfigurationError(f"a store is named by a URL such as {_example(shown)}, got {shown!r}")


def registry_at(url: str, environ: Mapping[str, str], *, pace: Pace) -> Registry:
    """The repository at `url`, to be written too; opens no connection. Raises ConfigurationError."""
    try:
        from .registry import open_registry
    except ModuleNotFoundError as error:
        raise _missing("oci", error) from error
    return open_registry(url, environ, pace=pace)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Not from it: it may repeat credentials.
        raise ConfigurationError(f"wanted a URL with a host that can be one, got {shown_url(url)!r}") from None


def _in_a_cloud(scheme: str, url: str, environ: Mapping[str, str], *, in_haste: bool) -> Objects:
    pace = HASTE if in_haste else Pace()
    try:
        match scheme:
            case "s3":
                from .s3 import open_s3

                return open_s3(url, environ, pace=pace)
            case "azblob":
                from .azblob import open_azblob

                return open_azblob(url, environ, pace=pace)
            case _:
                from .gs import open_gs

                return open_gs(url, environ, pace=pace)
    except ModuleNotFoundError as error:
        raise _missing(scheme, error) from error


def _missing(scheme: str, error: ModuleNotFoundError) -> ConfigurationError:
    needed, extra = _EXTRAS[scheme]
    return ConfigurationError(f"{needed} ({error}): install burgee with the extra `{extra}`")


def _registry(url: str, environ: Mapping[str, str], *, in_haste: bool, as_mirror: bool) -> Store:
    address = read_repository(url)
    if not as_mirror and environ.get(_SINGLE_PUBLISHER) != "yes":
        raise ConfigurationError(
            "a registry moves a tag whatever it was, so of two publishers at once one may undo the other's release: "
            f"publish to a bucket and name {address.url} as its mirror, or set {_SINGLE_PUBLISHER}=yes where there is "
            "never more than one publisher at a time"
        )
    from .oci import RegistryStore

    return RegistryStore(registry_at(url, environ, pace=HASTE if in_haste else Pace()))


def _folder(url: str, parts: SplitResult) -> Path:
    shown = shown_url(url)
    if parts.query or parts.fragment:
        raise ConfigurationError(
            f"file URLs have no query or fragment, got one after {shown!r}; write ? as %3F and # as %23"
        )
    path = unquote(parts.path)
    if parts.netloc in (".", "..", "~") or not path.startswith("/"):
        raise ConfigurationError(f"file URLs have an absolute path, such as {_example(path)}, got {shown!r}")
    if parts.netloc:
        raise ConfigurationError(f"file URLs have no host, got {shown!r}; three slashes begin an absolute path")
    if "\0" in path:
        raise ConfigurationError(f"file URLs hold no NUL, got {shown!r}")
    return Path(path)


def _example(path: str) -> str:
    return Path.cwd().joinpath(path.lstrip("/")).resolve().as_uri()
