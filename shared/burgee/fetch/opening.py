"""From a URL to a fetcher."""

from __future__ import annotations

from ..bundle.addresses import decoded, shown_url
from ..core.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .connections import Patience
    from .port import Fetcher
    from .verify import Verifier

KNOWN = ("azblob", "file", "gs", "http", "https", "oci", "s3")


def open_fetchers(
    urls: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    patience: Patience | None = None,
    verifier: Verifier | None = None,
) -> Fetcher:
    """The fetcher that reads from the first of `urls`, or, while that fails, from the next.

    With a `verifier` a place fails that has a head which is not believed. Raises as `open_fetcher` does.
    """
    fetchers = [open_fetcher(url, environ, patience=patience) for url in urls]
    if len(fetchers) == 1:
        return fetchers[0]
    from .fallbacks import Fallbacks

    return Fallbacks(fetchers) if verifier is None else Fallbacks(fetchers, decode=verifier.decode)


def open_fetcher(url: str, environ: Mapping[str, str] | None = None, *, patience: Patience | None = None) -> Fetcher:
    """The fetcher for `url`, as `file:///srv/flags` or `s3://bucket/prefix`; opens no connection.

    `environ` is where fetchers find their credentials, `patience` how long they wait for a server. Raises
    ConfigurationError for a URL that names nothing to read from, or for variables that are wrong.
    """
    scheme, _, rest = url.partition(":")
    match scheme.lower():
        case "file":
            from .file import FileFetcher

            return FileFetcher(_folder(url, rest))
        case "http" | "https":
            from .connections import PATIENCE
            from .http import HttpFetcher

            return HttpFetcher(url, patience=patience or PATIENCE)
        case "azblob" | "gs" | "oci" | "s3" as known:
            from .connections import PATIENCE, Connections

            return _with_credentials(known)(url, environ or {}, connections=Connections(patience or PATIENCE))
    raise ConfigurationError(_nowhere(url))


def _with_credentials(scheme: str) -> Callable[..., Fetcher]:
    """What reads from places that credentials are shown to."""
    match scheme:
        case "azblob":
            from .azblob import AzblobFetcher

            return AzblobFetcher
        case "gs":
            from .gs import GsFetcher

            return GsFetcher
        case "oci":
            from .oci import OciFetcher

            return OciFetcher
        case _:
            from .s3 import S3Fetcher

            return S3Fetcher


def _nowhere(url: str) -> str:
    """Why a URL names nothing to read from."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "memory":
        return "memory:// stores live in the publishing process alone"
    if not rest.startswith("//") or "@" in scheme:
        return f"a place to read from is named by a URL such as file:///srv/flags, got {shown_url(url)!r}"
    return f"unknown scheme {scheme!r} in {shown_url(url)!r}; known: {', '.join(KNOWN)}"


def _folder(url: str, rest: str) -> str:
    host, slash, path = rest.removeprefix("//").partition("/")
    shown = shown_url(url)
    if not rest.startswith("//") or not slash or host in (".", "..", "~"):
        raise ConfigurationError(f"file URLs have an absolute path, such as file:///srv/flags, got {shown!r}")
    if host:
        raise ConfigurationError(f"file URLs have no host, got {shown!r}; three slashes begin an absolute path")
    if "?" in path or "#" in path:
        raise ConfigurationError(
            f"file URLs have no query or fragment, got one after {shown!r}; write ? as %3F and # as %23"
        )
    if "%00" in path or "\0" in path:
        raise ConfigurationError(f"file URLs hold no NUL, got {shown!r}")
    return "/" + decoded(path)
