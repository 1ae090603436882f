"""GitHub, in the cloud and of one's own, and Gitea and Forgejo, whose API is GitHub's in what is used here: commit
statuses, hooks, and comments.

Source: GitHub's REST API, "Commit statuses", "Repository webhooks" and "Issue comments", which are those of pull
requests too; that of Gitea and Forgejo under `/api/v1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .api import Api
from .comment_list import CommentList
from .hook_list import HookList, configured_url
from .host import Comment, Connection, Hook, Status, shorten


class GitHub:
    """A repository `owner/name`."""

    longest_description = 140

    _status_right = "'Commit statuses: write' (fine-grained) or repo:status (classic)"
    _hook_right = "'Webhooks: write' (fine-grained) or admin:repo_hook (classic)"
    _comment_right = "'Pull requests: write' (fine-grained, or permissions of the job) or repo (classic)"
    _page_size = "per_page=100"
    _no_target: Mapping[str, str] = {}

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{quote(repository)}"
        hooks = f"{self._path}/hooks"
        self._hooks = HookList(api, hooks, self._page_size, "PATCH", self._hook_right, url_of=configured_url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._api.base + self._path!r})"

    def close(self) -> None:
        self._api.close()

    def write_status(self, commit: str, status: Status) -> None:
        body = {
            "state": status.state,
            "context": status.context,
            "description": shorten(status.description, self.longest_description),
        }
        target = {"target_url": status.target_url} if status.target_url else self._no_target
        path = f"{self._path}/statuses/{quote(commit, safe='')}"
        self._api.call("POST", path, {**body, **target}, needs=self._status_right)

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        found = self._hooks.find(hook.url)
        if dry_run:
            return found
        made = self._hooks.write(found.id, {"active": True, "events": ["push"], **self._told(hook)})
        return replace(found, id=str(made["id"]))

    def write_comment(self, request: int, mark: str, text: str) -> Comment:
        issues = f"{self._path}/issues"
        path, one, right = f"{issues}/{request}/comments", f"{issues}/comments", self._comment_right
        comments = CommentList(self._api, path, one, self._page_size, "PATCH", right, "user", self._is_bot)
        return comments.keep(mark, text)

    @staticmethod
    def _is_bot(author: Mapping[str, Any]) -> bool:
        # Tokens of apps, as a job of GitHub Actions has one, cannot ask who they are.
        return author.get("type") == "Bot"

    def _told(self, hook: Hook) -> dict[str, Any]:
        """What the host is told of a hook, besides what it is told of."""
        config = {"url": hook.url, "content_type": "json", "secret": hook.secret, "insecure_ssl": "0"}
        return {"name": "web", "config": config}


class Gitea(GitHub):
    """A repository `owner/name` at Gitea or Forgejo, as at Codeberg."""

    # Gitea has no limit; this much is still read in a list.
    longest_description = 255

    _status_right = "write:repository"
    _hook_right = "write:repository, from somebody who administrates the repository"
    _comment_right = "write:issue and read:user"
    _page_size = "limit=50"
    _no_target: Mapping[str, str] = {"target_url": ""}

    @staticmethod
    def _is_bot(author: Mapping[str, Any]) -> bool:
        # Jobs are one user, whose id no person has.
        return author.get("id") == -2

    def _told(self, hook: Hook) -> dict[str, Any]:
        # A filter that is not there means every branch, also for a hook that had one.
        return {"type": "gitea", "config": {"url": hook.url, "content_type": "json", "secret": hook.secret}}
