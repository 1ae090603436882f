"""Who a reader of S3 is: credentials where Amazon's own tools look for them, kept until shortly before they expire."""

from __future__ import annotations

from .aws_profile import checked_credentials, read_profile
from .aws_sources import from_container, from_instance, from_web_identity
from .bearer import HeldToken
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .rim import Rim

DEFAULT_REGION = "us-east-1"


def region_of(environ: Mapping[str, str], rim: Rim) -> str | None:
    """The region that a variable or the profile names."""
    return _named_region(environ) or read_profile(environ, rim.read).region()


def find_credentials(environ: Mapping[str, str], rim: Rim) -> Credentials:
    """The first of: variables, profile, web identity, container, instance; else nobody's, with words for why.

    Raises ConfigurationError for a source that is named and wrong, Denied and Unavailable for one that gives none.
    """
    found = from_variables(environ)
    if found is not None:
        return found
    profile = read_profile(environ, rim.read)
    found = profile.credentials()
    if found is not None:
        return found
    region = _named_region(environ) or profile.region() or DEFAULT_REGION
    for source in (from_web_identity, from_container, from_instance):
        found = source(environ, rim, region)
        if found is not None:
            return found
    return Credentials(None, None, None, None, _nobody(profile.name, profile.unread()))


def from_variables(environ: Mapping[str, str]) -> Credentials | None:
    """Those of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or None."""
    return checked_credentials(
        environ.get("AWS_ACCESS_KEY_ID"),
        environ.get("AWS_SECRET_ACCESS_KEY"),
        environ.get("AWS_SESSION_TOKEN"),
        source="AWS_ACCESS_KEY_ID",
    )


class HeldCredentials(HeldToken):
    """Credentials that were found, renewed when they are about to expire or were refused."""

    __slots__ = ()

    def __init__(self, environ: Mapping[str, str], rim: Rim) -> None:
        """Looks for nothing yet."""
        super().__init__(lambda: find_credentials(environ, rim), rim.now, wanted="AWS credentials")


def _named_region(environ: Mapping[str, str]) -> str | None:
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")


def _nobody(profile: str, unread: str) -> str:
    looked = f"AWS_ACCESS_KEY_ID, profile {profile!r}, a web identity, a container's and an instance's role"
    return f"nobody, for there are no credentials ({looked}){': ' + unread if unread else ''}"
