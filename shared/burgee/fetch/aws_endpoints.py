"""Where Amazon's services are, and where variables say they are instead."""

from __future__ import annotations

from .connections import checked_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The beginning of a region's name, and the domain of its partition.
_DOMAINS = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)


def given_endpoint(environ: Mapping[str, str], service: str) -> str | None:
    """The base URL that variables give for a service (`S3`, `STS`), or None. Raises ConfigurationError for another."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    url = environ.get(f"AWS_ENDPOINT_URL_{service}") or environ.get("AWS_ENDPOINT_URL")
    return checked_base(url) if url else None


def domain_of(region: str) -> str:
    """The domain that names of services in a region end with."""
    return next((domain for beginning, domain in _DOMAINS if region.startswith(beginning)), "amazonaws.com")
