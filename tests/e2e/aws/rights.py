"""What no role may do: each call is tried with the keys of the role that Terraform made, and has to be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.e2e.aws.cloud import FUNCTIONS, Cloud

HEAD = "environments/staging/head.json"
_SECRETS = {
    "webhook_secret_arn": ("publish", "evaluate"),
    "git_token_secret_arn": ("webhook", "evaluate"),
    "client_token_secret_arn": FUNCTIONS,
}
_KIND = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
_DIGEST = {"Message": bytes(32), "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
Call = Callable[[], Any]


def try_rights(cloud: Cloud, blob: str) -> int:
    """How many calls were refused, all of those there are; `blob` is the key of one. Raises AssertionError."""
    tried = 0
    for function in FUNCTIONS:
        for what, call in _forbidden(cloud, function, blob):
            assert _is_refused(call), f"{function} may {what}"
            tried += 1
    return tried


def _forbidden(cloud: Cloud, function: str, blob: str) -> Iterator[tuple[str, Call]]:
    s3, sqs, secrets, kms = (cloud.client(service, function) for service in ("s3", "sqs", "secretsmanager", "kms"))
    bucket, queue = cloud.outputs["bucket"], cloud.outputs["queue_url"]
    yield "delete a head", partial(s3.delete_object, Bucket=bucket, Key=HEAD)
    yield "delete a blob", partial(s3.delete_object, Bucket=bucket, Key=blob)
    yield "write elsewhere", partial(s3.put_object, Bucket=bucket, Key="elsewhere", Body=b"")
    yield "delete the bucket", partial(s3.delete_bucket, Bucket=bucket)
    yield "open the bucket", partial(s3.put_bucket_policy, Bucket=bucket, Policy="{}")
    yield "purge the queue", partial(sqs.purge_queue, QueueUrl=queue)
    yield "read dead letters", partial(sqs.receive_message, QueueUrl=cloud.outputs["dead_letter_url"])
    yield "disable the key", partial(kms.disable_key, KeyId=cloud.key)
    yield "make a key", partial(kms.create_key, **_KIND)
    if function != "publish":
        yield "sign", partial(kms.sign, KeyId=cloud.key, **_DIGEST)
        yield "write a head", partial(s3.put_object, Bucket=bucket, Key=HEAD, Body=b"{}")
        yield "write a blob", partial(s3.put_object, Bucket=bucket, Key=blob, Body=b"{}")
        yield "receive messages", partial(sqs.receive_message, QueueUrl=queue)
    else:
        other = cloud.asked_by_person("kms").create_key(**_KIND)["KeyMetadata"]["Arn"]
        yield "sign with another key", partial(kms.sign, KeyId=other, **_DIGEST)
    if function != "webhook":
        yield "send to the queue", partial(sqs.send_message, QueueUrl=queue, MessageBody="{}", MessageGroupId="g")
    else:
        yield "read a head", partial(s3.get_object, Bucket=bucket, Key=HEAD)
        yield "read a blob", partial(s3.get_object, Bucket=bucket, Key=blob)
        yield "list the bucket", partial(s3.list_objects_v2, Bucket=bucket)
    for output, others in _SECRETS.items():
        if function in others:
            yield f"read {output}", partial(secrets.get_secret_value, SecretId=cloud.outputs[output])


def _is_refused(call: Call) -> bool:
    try:
        call()
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False
