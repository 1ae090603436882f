"""Bitbucket Cloud: build statuses and hooks.

Source: Bitbucket's REST API 2.0, "Commit statuses" and "Webhooks".
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from urllib.parse import quote

from ..core.errors import InvalidRequest
from .api import Api
from .hook_list import HookList
from .host import Comment, Connection, Hook, Status, shorten

_STATES = {"success": "SUCCESSFUL", "failure": "FAILED", "error": "FAILED", "pending": "INPROGRESS"}
_LONGEST_KEY = 40
_STATUS_RIGHT = "the scope 'repository'"
_HOOK_RIGHT = "the scopes 'repository' and 'webhook'"


class Bitbucket:
    """A repository `workspace/name`; `page` is its address for people."""

    longest_description = 255

    def __init__(self, api: Api, repository: str, page: str) -> None:
        self._api = api
        self._page = page
        self._path = f"/repositories/{quote(repository)}"
        self._hooks = HookList(
            api, f"{self._path}/hooks", "pagelen=100", "PUT", _HOOK_RIGHT, id_of=lambda hook: hook.get("uuid")
        )

    def __repr__(self) -> str:
        return f"Bitbucket({self._api.base + self._path!r})"

    def close(self) -> None:
        self._api.close()

    def write_status(self, commit: str, status: Status) -> None:
        body = {
            "key": _key(status.context),
            "state": _STATES[status.state],
            "name": status.context,
            "description": shorten(status.description, self.longest_description),
            # Bitbucket wants one.
            "url": status.target_url or f"{self._page}/commits/{commit}",
        }
        self._api.call(
            "POST", f"{self._path}/commit/{quote(commit, safe='')}/statuses/build", body, needs=_STATUS_RIGHT
        )

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        found = self._hooks.find(hook.url)
        if dry_run:
            return found
        body = {
            "description": "burgee",
            "url": hook.url,
            "active": True,
            "secret": hook.secret,
            "events": ["repo:push"],
        }
        made = self._hooks.write(found.id, body)
        return replace(found, id=str(made["uuid"]))

    def write_comment(self, request: int, mark: str, text: str) -> Comment:
        # Its comments hide nothing, so a mark would be read by people.
        raise InvalidRequest(
            f"comments are kept at GitHub, GitLab, Gitea and Forgejo, and {self._page} is at Bitbucket; "
            "print the comment with --dry-run and write it there yourself"
        )


def _key(context: str) -> str:
    """The context, or as much of it as a key may hold with a digest of the whole."""
    if len(context) <= _LONGEST_KEY:
        return context
    digest = sha256(context.encode()).hexdigest()[:8]
    return f"{context[: _LONGEST_KEY - 9]}-{digest}"
