"""Where a repository of a registry is, as `oci://` URLs say it to those who write and those who read.

Law: both take the same URL for the same place, and speak plainly (http) to this machine's own registries alone.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from . import addresses

_EXAMPLE = "oci://ghcr.io/acme/flags"
_FORM = addresses.Form("an oci URL", _EXAMPLE, ("endpoint",), "https://registry.example.org")
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_BETWEEN = frozenset("._-")
# The one registry that does not answer under its own name.
_HUB, _HUB_HOST = "docker.io", "registry-1.docker.io"


class OciAddress(namedtuple("OciAddress", "registry repository reference endpoint")):
    """`reference` is a tag or a digest, None where the whole repository is meant; `endpoint` is None or a base URL."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """The repository, as messages name the place."""
        return f"oci://{self.registry}/{self.repository}"

    @property
    def base(self) -> str:
        """What the paths of the registry's interface, which begin with `/v2/`, are below."""
        if self.endpoint:
            return str(self.endpoint)
        scheme = "http" if addresses.is_own(self.registry) else "https"
        return f"{scheme}://{_HUB_HOST if self.registry == _HUB else self.registry}"


def read_oci_address(url: str) -> OciAddress:
    """What `oci://registry/repository:tag?endpoint=https://registry.example.org` says.

    A digest, as `@sha256:...`, may stand in the tag's place, or nothing; the registry says what can be one. Raises
    ConfigurationError for any other URL.
    """
    place, options = addresses.taken_apart(url, _FORM)
    registry, _, path = place.partition("/")
    mark = "@" if "@" in path else ":"
    repository, found, reference = path.partition(mark)
    if not addresses.is_authority(registry) or not is_repository(repository):
        raise ConfigurationError(f"wanted a registry and a repository, as {_EXAMPLE}, got {addresses.shown_url(url)!r}")
    return OciAddress(registry, repository, reference if found else None, options.get("endpoint"))


def read_repository(url: str) -> OciAddress:
    """The address of a store, a whole repository. Raises ConfigurationError also for a URL that names a tag of it."""
    address = read_oci_address(url)
    if address.reference is not None:
        raise ConfigurationError(
            "a store is the whole repository, a tag or digest names one bundle of it: leave that out, "
            f"as {address.url}, and name the environment"
        )
    return address


def is_repository(text: str) -> bool:
    """Whether it is made as a repository's name is (OCI distribution 1.1): lower-case words between slashes."""
    parts = text.split("/")
    return all(part and {part[0], part[-1]} <= _LOWER and not set(part) - _LOWER - _BETWEEN for part in parts)
