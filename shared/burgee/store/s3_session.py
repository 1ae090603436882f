"""Amazon's client for the bucket of a store: who it asks as, where, and how long it waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError, ProfileNotFound
from botocore.session import Session

from .. import __version__
from ..bundle.s3_address import S3Address, checked_endpoint, is_region
from ..core.errors import ConfigurationError
from .pace import Pace
from .s3_timely import TimelySession

DEFAULT_REGION = "us-east-1"

_CONNECTIONS = 32
# What botocore knows by another name than its variable's, or reads from the process alone.
_VARIABLES = {
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "config_file": ("AWS_CONFIG_FILE",),
    "credentials_file": ("AWS_SHARED_CREDENTIALS_FILE",),
    "ca_bundle": ("AWS_CA_BUNDLE",),
}
# How botocore calls where it found credentials, and what people know that by.
_SOURCES = {
    "explicit": "AWS_ACCESS_KEY_ID",
    "env": "AWS_ACCESS_KEY_ID",
    "assume-role-with-web-identity": "a web identity",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}


def a_session(environ: Mapping[str, str]) -> Session:
    """A session with what `environ` says of keys, profile and files.

    What it leaves out, and a web identity, a container's and an instance's role, and the home folder in any case,
    botocore looks for in the process's own variables. Raises ConfigurationError for half of an access key, and for a
    profile that is in none of the files.
    """
    session = Session()
    for name, variables in _VARIABLES.items():
        value = next((environ[variable] for variable in variables if environ.get(variable)), None)
        if value is not None:
            session.set_config_variable(name, value)
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if bool(key) != bool(secret):
        raise ConfigurationError("AWS_ACCESS_KEY_ID has half of an access key; give its id and its secret")
    if key:
        session.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN") or None)
    else:
        _profile_of(session)
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        session.get_component("credential_provider").remove("iam-role")
    return session


def a_client(
    session: boto3.session.Session,
    *,
    endpoint: str | None,
    region: str,
    in_path: bool,
    pace: Pace,
) -> Any:
    """A client for a region of Amazon's, or for an endpoint; `in_path` is where addresses have the bucket.

    It looks for credentials, which may ask services of this machine. Raises BotoCoreError.
    """
    config = Config(
        region_name=region,
        connect_timeout=pace.connect,
        read_timeout=pace.answer,
        # One attempt: a write that is tried again must know that it is, see `remote.RemoteObjects`.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        # Checksums in trailers are more than most services beside Amazon's know. The signature covers the content, and
        # what readers take is named by its digest.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if in_path else "virtual", "payload_signing_enabled": True},
        # Readers know no endpoints of profiles, and both have to be at the same place.
        ignore_configured_endpoint_urls=True,
        user_agent_extra=f"burgee/{__version__}",
    )
    client = session.client("s3", endpoint_url=endpoint, config=config)
    client.meta.events.register_last("before-parameter-build.s3", _follow_nowhere)
    # There is no other way to bound how long a body may take.
    client._endpoint.http_session = TimelySession(client._endpoint.http_session, pace)
    return client


def endpoint_of(address: S3Address, environ: Mapping[str, str]) -> str | None:
    """The address of another service than Amazon's. Raises ConfigurationError for one that is none."""
    if address.endpoint is not None:
        endpoint: str = address.endpoint
        return endpoint
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    url = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    return checked_endpoint(url) if url else None


def region_of(address: S3Address, environ: Mapping[str, str], session: Session) -> str:
    """The region that the URL, a variable or the profile names. Raises ConfigurationError for what cannot be one."""
    named = address.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    region: str = named or _profile_of(session).get("region") or DEFAULT_REGION
    if not is_region(region):
        raise ConfigurationError(f"wanted a region such as eu-central-1 in AWS_REGION or the profile, got {region!r}")
    return region


def asker_of(session: Session) -> str:
    """Who asks, in words that tell one from another and help nobody to ask in their name. Raises BotoCoreError."""
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    method = credentials.method or "an unknown source"
    profile = session.get_config_variable("profile") or "default"
    source = _SOURCES.get(method, f"profile {profile!r} ({method})")
    return f"access key ...{credentials.access_key[-4:]} of {source}"


def _profile_of(session: Session) -> Mapping[str, Any]:
    """The fields of the chosen profile. Raises ConfigurationError when it is in none of the files."""
    try:
        fields: Mapping[str, Any] = session.get_scoped_config()
    except ProfileNotFound as error:
        raise ConfigurationError(f"AWS_PROFILE names what is in no file of profiles: {error}") from error
    except BotoCoreError as error:
        raise ConfigurationError(f"cannot read the files of AWS profiles: {error}") from error
    return fields


def _follow_nowhere(context: dict[str, Any], **_: Any) -> None:
    # Botocore looks for the region of a redirected bucket by asking for it, which an endpoint that redirects everything
    # answers by a redirect, until Python gives up (RecursionError). `s3_bucket.Bucket` goes by what the answer says.
    context.setdefault("s3_redirect", {})["redirected"] = True
