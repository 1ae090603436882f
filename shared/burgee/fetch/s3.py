"""Objects in a bucket of Amazon's S3, or of a service that speaks its protocol; signed when there are credentials.

Law: nobody is asked before the first `get`; a signature is made for the very address that is asked.
"""

from __future__ import annotations

from ..bundle.s3_address import is_region, read_s3_address
from ..bundle.s3_refusals import MISSING_OR_DENIED, NO_BUCKET, OUTDATED, RENEW, WRONG_REGION
from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.instant import format_instant
from ..core.visible import visible
from .aws_credentials import DEFAULT_REGION, HeldCredentials, region_of
from .aws_endpoints import domain_of, given_endpoint
from .clock import SystemClock
from .connections import Connections
from .http import REDIRECTED, condition, fetched_from
from .port import MAX_BYTES, Fetched
from .rim import system_rim
from .sigv4 import Scope, signed
from .xml_answers import element, refusal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.s3_address import S3Address
    from .connections import Reply
    from .rim import Rim
    from .sigv4 import Credentials
    from .xml_answers import Refusal

# As asked first, in the bucket's own region, with credentials that are newer.
_TRIES = 3


class S3Fetcher:
    """Safe among threads and after a fork; `close` drops the kept connections."""

    __slots__ = ("_connections", "_credentials", "_endpoint", "_region", "_rim", "address")

    def __init__(
        self,
        url: str,
        environ: Mapping[str, str],
        *,
        rim: Rim | None = None,
        connections: Connections | None = None,
    ) -> None:
        """`url` is `s3://bucket/prefix`, what its query says wins over variables.

        Raises ConfigurationError for another URL, or for variables that are wrong.
        """
        self._rim = rim or system_rim(SystemClock.wall)
        self.address = read_s3_address(url)
        self._endpoint = self.address.endpoint or given_endpoint(environ, "S3")
        self._region = self.address.region or _checked_region(region_of(environ, self._rim) or DEFAULT_REGION)
        self._credentials = HeldCredentials(environ, self._rim)
        self._connections = connections or Connections()

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        deadline = self._connections.deadline()
        for _ in range(_TRIES):
            credentials = self._credentials.current()
            region = self._region
            url = self._url(key, region)
            headers = self._headers(url, region, credentials) | condition(etag)
            reply = self._connections.get(url, headers, max_bytes=max_bytes, deadline=deadline)
            fetched = fetched_from(reply, etag)
            if fetched is not None:
                return fetched
            refusal = refusal_of(reply)
            if not self._moves(reply, region) and not self._renews(refusal, credentials):
                break
        raise self._fault(key, reply, refusal, credentials, region)

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        self._connections.close()

    @property
    def place(self) -> str:
        """Where objects are asked for, for people."""
        return f"bucket {self.address.bucket}, prefix {self.address.prefix or 'none'}, at {self._base(self._region)}"

    def asked_by(self) -> str:
        """Who asks, as a person may see it. Raises Denied and Unavailable as `HeldCredentials.current` does."""
        return str(self._credentials.current().shown())

    def _url(self, key: str, region: str) -> str:
        from urllib.parse import quote

        # Commas too: the signature is made over the one form that encodes all but letters, digits and `-._~`.
        return f"{self._base(region)}/{quote(self.address.prefix + key, safe='/')}"

    def _base(self, region: str) -> str:
        return f"{self._endpoint}/{self.address.bucket}" if self._endpoint else base_of(self.address, region)

    def _headers(self, url: str, region: str, credentials: Credentials) -> dict[str, str]:
        if credentials.access_key is None:
            return {}
        return signed("GET", url, {}, credentials, Scope(region, "s3"), self._rim.now())

    def _moves(self, reply: Reply, asked: str) -> bool:
        """Whether the answer says that the bucket is in another region; it is asked for there from now on."""
        region = reply.headers.get("x-amz-bucket-region") or element(reply.content, "Region")
        if region == asked or not is_region(region):
            return False
        self._region = region
        return True

    def _renews(self, refusal: Refusal, credentials: Credentials) -> bool:
        """Whether there are other credentials than those that were refused."""
        nobody = credentials.access_key is None and refusal.status in (401, 403)
        return (nobody or refusal.code in OUTDATED) and self._credentials.renewed(credentials)

    def _fault(self, key: str, reply: Reply, refusal: Refusal, credentials: Credentials, region: str) -> BurgeeError:
        said = f"GET {self.address.url}/{key} at {self._base(region)}: {refusal}"
        if refusal.status == 404 and refusal.code == "NoSuchBucket":
            return Unavailable(f"{said}; {NO_BUCKET}")
        if refusal.status in (404, 410):
            return NotFound(said)
        if refusal.status in REDIRECTED:
            to = reply.headers.get("Location") or element(reply.content, "Endpoint") or "nowhere"
            return Unavailable(f"{said}; it leads to {visible(to)}; {WRONG_REGION}, or check the endpoint")
        if refusal.code == "RequestTimeTooSkewed":
            here, there = format_instant(self._rim.now()), visible(reply.headers.get("Date") or "another time")
            return Denied(f"{said}; set this machine's clock: it says {here}, the server {there}")
        if refusal.code == "AuthorizationHeaderMalformed":
            return Denied(f"{said}; signed for {region} by {credentials.shown()}; {WRONG_REGION}")
        if refusal.code in OUTDATED:
            return Denied(f"{said}; asked by {credentials.shown()}; {RENEW}")
        if refusal.status in (401, 403):
            return Denied(f"{said}; asked by {credentials.shown()}; {self._needed()}")
        return Unavailable(said)

    def _needed(self) -> str:
        place = f"{self.address.bucket}/{self.address.prefix}*"
        return f"a reader needs s3:GetObject on {place}, and {MISSING_OR_DENIED}"


def base_of(address: S3Address, region: str) -> str:
    """Where Amazon has the objects of a bucket."""
    if address.fits_a_host:
        return f"https://{address.bucket}.s3.{region}.{domain_of(region)}"
    return f"https://s3.{region}.{domain_of(region)}/{address.bucket}"


def _checked_region(region: str) -> str:
    if not is_region(region):
        raise ConfigurationError(f"wanted a region such as eu-central-1 in AWS_REGION or the profile, got {region!r}")
    return region
