"""Amazon's S3, SQS, Secrets Manager, KMS, IAM and STS on loopback, as moto plays them, with what tests need in a line.

All servers of a process share one memory, which ends with the context: one at a time.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from moto.kms.responses import KmsResponse
from moto.moto_server import werkzeug_app
from moto.s3.responses import S3Response
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from burgee.bundle.keys import JSON, cache_control
from tests.servers import moto_kms

REGION = "eu-central-1"
ACCOUNT = "123456789012"
_SECONDS = 10
# Amazon answers preflights by the CORS configuration alone; moto asks the bucket's policy too, for an action so named.
_PREFLIGHT = "s3:OptionsObject"


class Keys(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str = ""

    def environ(self) -> dict[str, str]:
        """As the variables that name them."""
        named = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }
        return {name: value for name, value in named.items() if value}


_PUT_OBJECT = S3Response.put_object
_WRITING = Lock()
# Bucket and key of each write that was done, in their order.
_WRITTEN: list[str] = []

# Whoever they are, until permissions are enforced.
ANYBODY = Keys("AKIAANYBODYANYBODY00", "a-secret-that-nobody-checks")


@dataclass(frozen=True, slots=True)
class Moto:
    """A running server; buckets are reached as `<url>/<bucket>/<key>`."""

    url: str

    def client(self, service: str = "s3", keys: Keys = ANYBODY, region: str = REGION) -> Any:
        """Amazon's own client."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token or None,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def environ(self, keys: Keys | None = ANYBODY, **more: str) -> dict[str, str]:
        """The variables of a reader that signs with `keys`, or not at all."""
        place = {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        return place | (keys.environ() if keys else {}) | more

    def make_bucket(self, name: str, *, public: bool = False, origins: Sequence[str] = ()) -> str:
        """Its name; `public` lets everybody read objects, `origins` pages of these (`*`: of all) see ETags too."""
        s3 = self.client()
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if public:
            allowed = [_allowed(action, f"arn:aws:s3:::{name}/*") for action in ("s3:GetObject", _PREFLIGHT)]
            s3.put_bucket_policy(Bucket=name, Policy=_policy(*({**each, "Principal": "*"} for each in allowed)))
        if origins:
            rule = {
                "AllowedOrigins": list(origins),
                "AllowedMethods": ["GET", "HEAD"],
                "AllowedHeaders": ["*"],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 300,
            }
            s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})
        return name

    def put(self, bucket: str, key: str, content: bytes, *, prefix: str = "") -> None:
        """One object below the prefix, as a publisher writes it."""
        path = f"{prefix.strip('/')}/{key}".lstrip("/")
        self.client().put_object(
            Bucket=bucket, Key=path, Body=content, ContentType=JSON, CacheControl=cache_control(key)
        )

    def writes(self, bucket: str, name: str) -> int:
        """How many writes of an object were done: of racers on one, one of them is."""
        return _WRITTEN.count(f"{bucket}/{name}")

    def upload(self, folder: Path, bucket: str, *, prefix: str = "") -> None:
        """Everything a `file://` store has in `folder`; heads and index last, as a copy of a store is made."""
        found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        published = [key for key in found if not key.startswith(".")]
        for key in sorted(published, key=lambda key: (key.endswith(("/head.json", "/index.json")), key)):
            self.put(bucket, key, (folder / key).read_bytes(), prefix=prefix)

    def make_user(self, name: str, *, action: str, resource: str) -> Keys:
        """A user with one permission, and a key of theirs."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=_policy(_allowed(action, resource)))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(made["AccessKeyId"], made["SecretAccessKey"])

    def make_role(self, name: str, *, action: str, resource: str) -> str:
        """The ARN of a role with one permission, which everybody may assume."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_policy(_allowed(action, resource)))
        return str(arn)

    def assume(self, role_arn: str) -> Keys:
        """Keys of a session in the role, with its token."""
        made = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session")["Credentials"]
        return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def keep_messages(self) -> None:
        """From now on messages stay in their queues until somebody receives them.

        Where a queue is a function's event source, moto takes each message as soon as it is sent, and deletes it
        without running the function. The mapping itself stays as it is, so that Terraform sees no change.
        """
        for queue in sqs_backends[ACCOUNT][REGION].queues.values():
            queue.lambda_event_source_mappings.clear()

    @contextmanager
    def enforcing(self) -> Iterator[None]:
        """Check signatures and permissions of whatever is asked inside the context.

        Actions on objects, buckets, queues, secrets and keys are checked against their ARN, all others against `*`.
        Policies of buckets and keys do not count, and a statement with a condition never allows anything.
        """
        self._enforce("0")
        try:
            yield
        finally:
            self._enforce("inf")

    @contextmanager
    def relaxed(self) -> Iterator[None]:
        """Check nothing inside the context, which is inside one of `enforcing`: what nobody signed is taken too."""
        self._enforce("inf")
        try:
            yield
        finally:
            self._enforce("0")

    def reset(self) -> None:
        """Forget everything."""
        _WRITTEN.clear()
        self._post("/moto-api/reset", b"")

    def _enforce(self, after_requests: str) -> None:
        self._post("/moto-api/reset-auth", after_requests.encode())

    def _post(self, path: str, body: bytes) -> None:
        # Another content type is answered with 500.
        request = Request(self.url + path, data=body, method="POST", headers={"Content-Type": "text/plain"})
        urlopen(request, timeout=_SECONDS).close()


@contextmanager
def moto() -> Iterator[Moto]:
    """A server with nothing in it, until the context ends."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # Unless told not to, moto lets pages of every origin read every bucket, whatever its configuration says.
    werkzeug_app.DISABLE_GLOBAL_CORS = True  # type: ignore[attr-defined]
    # Without it a right to one secret is none, for moto would ask for all of them.
    SecretsManagerResponse._determine_resource = _secret_asked_for  # type: ignore[attr-defined]
    S3Response.put_object = _put_alone  # type: ignore[method-assign, assignment]
    KmsResponse.sign = moto_kms.sign  # type: ignore[method-assign, assignment]
    KmsResponse._determine_resource = moto_kms.key_asked_for  # type: ignore[attr-defined]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    running = Moto(f"http://{host}:{port}")
    try:
        running.reset()
        yield running
        running.reset()
    finally:
        server.stop()


def _put_alone(asked: S3Response) -> Any:
    """One write at a time: moto looks whether a condition holds and then writes, and so now and then lets two win."""
    with _WRITING:
        answer = _PUT_OBJECT(asked)
        _WRITTEN.append(f"{asked.bucket_name}/{asked.parse_key_name()}")
        return answer


def _secret_asked_for(asked: SecretsManagerResponse) -> str:
    """What moto compares with the resources of policies."""
    secret = asked.backend.secrets.get(asked._get_param("SecretId") or "")
    return secret.arn if secret else "*"


def _allowed(action: str, resource: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
