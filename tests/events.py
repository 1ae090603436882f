"""Push events as Git hosts send them, signed with a secret: headers in lower case, and the bytes of the body."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from hmac import new
from typing import Any

from burgee.core.signature import whsec_key
from burgee.serve.message import Request

SECRET = "a-secret-of-the-webhook"
REPOSITORY = "https://git.example.org/acme/flags"
COMMIT = "1f" * 20
GONE = "0" * 40


def github_push(ref: str = "refs/heads/main", commit: str = COMMIT, repository: str = REPOSITORY, **more: Any) -> bytes:
    """The body of GitHub's push event, with the fields that matter; Gitea's and Forgejo's look the same."""
    described = {"full_name": "acme/flags", "clone_url": f"{repository}.git", "html_url": repository}
    fields = {
        "ref": ref,
        "before": "2e" * 20,
        "after": commit,
        "deleted": set(commit) == {"0"},
        "repository": {**described, "default_branch": "main", **more},
    }
    return json.dumps(fields).encode()


def gitlab_push(ref: str = "refs/heads/main", commit: str = COMMIT, repository: str = REPOSITORY) -> bytes:
    """The body of GitLab's push event."""
    project = {"git_http_url": f"{repository}.git", "web_url": repository, "default_branch": "main"}
    return json.dumps({"object_kind": "push", "ref": ref, "after": commit, "project": project}).encode()


def bitbucket_push(*names: str, commit: str | None = COMMIT, repository: str = REPOSITORY) -> bytes:
    """The body of Bitbucket's push event; without a commit the branches were deleted."""
    changes = []
    for name in names or ("main",):
        target = {"type": "branch", "name": name, "target": {"hash": commit}}
        changes.append({"old": target, "new": target if commit else None})
    links = {"html": {"href": repository}}
    return json.dumps({"push": {"changes": changes}, "repository": {"links": links}}).encode()


def code(body: bytes, secret: str = SECRET) -> str:
    """The HMAC of a body in hex."""
    return new(secret.encode(), body, "sha256").hexdigest()


def github_headers(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={code(body, secret)}",
    }


def gitea_headers(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> dict[str, str]:
    return {
        **github_headers(body, secret=secret, event=event, delivery=delivery),
        "x-gitea-event": event,
        "x-gitea-delivery": delivery,
        "x-gitea-signature": code(body, secret),
    }


def forgejo_headers(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> dict[str, str]:
    return {
        **gitea_headers(body, secret=secret, event=event, delivery=delivery),
        "x-forgejo-event": event,
        "x-forgejo-delivery": delivery,
        "x-forgejo-signature": code(body, secret),
    }


def bitbucket_headers(
    body: bytes, *, secret: str = SECRET, event: str = "repo:push", delivery: str = "d-1"
) -> dict[str, str]:
    return {
        "x-event-key": event,
        "x-request-uuid": delivery,
        "x-hub-signature": f"sha256={code(body, secret)}",
    }


def gitlab_headers(
    body: bytes, *, secret: str = SECRET, event: str = "Push Hook", delivery: str = "d-1"
) -> dict[str, str]:
    """GitLab's older way: the secret itself."""
    return {"x-gitlab-event": event, "x-gitlab-event-uuid": delivery, "x-gitlab-token": secret}


def signed_gitlab_headers(
    body: bytes,
    *,
    secret: str = SECRET,
    event: str = "Push Hook",
    delivery: str = "d-1",
    seconds: int = 1_700_000_000,
) -> dict[str, str]:
    """GitLab's newer way: the headers of Standard Webhooks."""
    text = f"{delivery}.{seconds}.".encode() + body
    signature = b64encode(new(whsec_key(secret), text, "sha256").digest()).decode()
    return {
        "x-gitlab-event": event,
        "x-gitlab-event-uuid": delivery,
        "webhook-id": delivery,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }


Signed = tuple[Callable[..., bytes], Callable[..., Mapping[str, str]]]
# How each host makes a push event, and how it signs one.
HOSTS: dict[str, Signed] = {
    "github": (github_push, github_headers),
    "gitea": (github_push, gitea_headers),
    "forgejo": (github_push, forgejo_headers),
    "bitbucket": (bitbucket_push, bitbucket_headers),
    "gitlab": (gitlab_push, gitlab_headers),
    "gitlab signed": (gitlab_push, signed_gitlab_headers),
}


def a_request(headers: Mapping[str, str], body: bytes, method: str = "POST") -> Request:
    return Request(method, "/", "", dict(headers), body)
