"""From a URL to a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from ..bundle.oci_address import read_repository
from ..core.errors import ConfigurationError
from .port import Objects, Store

_SINGLE_PUBLISHER = "BURGEE_SINGLE_PUBLISHER"
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
    if urlsplit(url).scheme == "oci":
        return _registry(url, environ or {}, in_haste=in_haste, as_mirror=as_mirror)
    from .objects import ObjectStore

    return ObjectStore(open_objects(url, environ=environ, in_haste=in_haste))


def open_objects(url: str, *, environ: Mapping[str, str] | None = None, in_haste: bool = False) -> Objects:
    """The objects of the store at `url`, as `open_store` opens it."""
    parts = urlsplit(url)
    match parts.scheme:
        case "file":
            from .file import FileObjects

            return FileObjects(_folder(url, parts))
        case "memory":
            from .memory import shared_objects

            return shared_objects(url)
        case "s3":
            return _bucket(url, environ or {}, in_haste=in_haste)
        case "oci":
            raise ConfigurationError(f"a registry keeps manifests and blobs and has no objects, got {url!r}")
        case "gs":
            return _google_bucket(url, environ or {}, in_haste=in_haste)
        case "azblob":
            return _container(url, environ or {}, in_haste=in_haste)
        case "http" | "https":
            raise ConfigurationError(f"a web server can be read from but not published to, got {url!r}")
        case "":
            raise ConfigurationError(f"a store is named by a URL such as {_example(url)}, got {url!r}")
        case _:
            raise ConfigurationError(f"unknown store scheme {parts.scheme!r} in {url!r}; known: {', '.join(KNOWN)}")


def _bucket(url: str, environ: Mapping[str, str], *, in_haste: bool) -> Objects:
    try:
        from .pace import HASTE, Pace
        from .s3 import open_s3
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"stores in S3 need boto3 ({error}): pip install 'burgee[aws]'") from error
    return open_s3(url, environ, pace=HASTE if in_haste else Pace())


def _container(url: str, environ: Mapping[str, str], *, in_haste: bool) -> Objects:
    try:
        from .azblob import open_azblob
        from .pace import HASTE, Pace
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"stores in Azure need azure-storage-blob ({error}): pip install 'burgee[azure]'"
        ) from error
    return open_azblob(url, environ, pace=HASTE if in_haste else Pace())


def _google_bucket(url: str, environ: Mapping[str, str], *, in_haste: bool) -> Objects:
    try:
        from .gs import open_gs
        from .pace import HASTE, Pace
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"stores in Google Cloud Storage need google-cloud-storage ({error}): pip install 'burgee[gcp]'"
        ) from error
    return open_gs(url, environ, pace=HASTE if in_haste else Pace())


def _registry(url: str, environ: Mapping[str, str], *, in_haste: bool, as_mirror: bool) -> Store:
    read_repository(url)
    if not as_mirror and environ.get(_SINGLE_PUBLISHER) != "yes":
        raise ConfigurationError(
            "a registry moves a tag whatever it was, so of two publishers at once one may undo the other's release: "
            f"publish to a bucket and name {url} as its mirror, or set {_SINGLE_PUBLISHER}=yes where there is never "
            "more than one publisher at a time"
        )
    try:
        from .oci import RegistryStore
        from .pace import HASTE, Pace
        from .registry import open_registry
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"stores in registries need oras ({error}): pip install 'burgee[oci]'") from error
    return RegistryStore(open_registry(url, environ, pace=HASTE if in_haste else Pace()))


def _folder(url: str, parts: SplitResult) -> Path:
    if parts.query or parts.fragment:
        raise ConfigurationError(f"file URLs have no query or fragment, got {url!r}; write ? as %3F and # as %23")
    path = unquote(parts.path)
    if parts.netloc in (".", "..", "~") or not path.startswith("/"):
        raise ConfigurationError(f"file URLs have an absolute path, such as {_example(path)}, got {url!r}")
    if parts.netloc:
        raise ConfigurationError(
            f"file URLs have no host, got {parts.netloc!r} in {url!r}; three slashes begin an absolute path"
        )
    if "\0" in path:
        raise ConfigurationError(f"file URLs hold no NUL, got {url!r}")
    return Path(path)


def _example(path: str) -> str:
    return Path.cwd().joinpath(path.lstrip("/")).resolve().as_uri()
