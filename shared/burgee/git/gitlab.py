"""GitLab, in the cloud and of one's own: commit statuses, hooks, and notes of merge requests.

Source: GitLab's REST API, "Commits", "Project webhooks" and "Notes"; signing tokens came with GitLab 19.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..core.errors import InvalidRequest
from .api import Api
from .comment_list import CommentList
from .hook_list import HookList
from .host import Comment, Connection, Hook, Status, shorten

_STATES = {"success": "success", "failure": "failed", "error": "failed", "pending": "pending"}
_LONGEST_URL = 255
_STATUS_RIGHT = "the scope 'api', and at least the role Developer"
_HOOK_RIGHT = "the scope 'api', and at least the role Maintainer"
_COMMENT_RIGHT = "the scope 'api', and at least the role Reporter"


class GitLab:
    """A project `group/name`, or in groups of groups."""

    longest_description = 255

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/projects/{quote(repository, safe='')}"
        self._hooks = HookList(api, f"{self._path}/hooks", "per_page=100", "PUT", _HOOK_RIGHT)

    def __repr__(self) -> str:
        return f"GitLab({self._api.base + self._path!r})"

    def close(self) -> None:
        self._api.close()

    def write_status(self, commit: str, status: Status) -> None:
        body = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": shorten(status.description, self.longest_description),
        }
        if status.target_url and len(status.target_url) <= _LONGEST_URL:
            body["target_url"] = status.target_url
        try:
            self._api.call("POST", f"{self._path}/statuses/{quote(commit, safe='')}", body, needs=_STATUS_RIGHT)
        except InvalidRequest as error:
            # GitLab refuses a status that is there already.
            if "Cannot transition status" not in str(error):
                raise

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        found = self._hooks.find(hook.url)
        if dry_run:
            return replace(found, signed=None)
        body = {
            "url": hook.url,
            "push_events": True,
            "tag_push_events": True,
            "push_events_branch_filter": "",
            "enable_ssl_verification": True,
        }
        key = f"whsec_{b64encode(hook.signing_key).decode()}"
        made = self._hooks.write(found.id, {**body, "signing_token": key})
        signed = made.get("signing_token_present") is True
        self._settle_token(made, body, "" if signed else hook.secret)
        return replace(found, id=str(made["id"]), signed=signed)

    def write_comment(self, request: int, mark: str, text: str) -> Comment:
        path = f"{self._path}/merge_requests/{request}/notes"
        # Whoever may write a note is told who they are.
        comments = CommentList(
            self._api, path, path, "per_page=100", "PUT", _COMMENT_RIGHT, "author", lambda author: False
        )
        return comments.keep(mark, text)

    def _settle_token(self, made: Mapping[str, Any], body: Mapping[str, Any], token: str) -> None:
        """Have the secret itself sent along where GitLab cannot sign, and only there: who reads it can forge pushes."""
        if token or made.get("token_present"):
            self._hooks.write(str(made["id"]), {**body, "token": token})
