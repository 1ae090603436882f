"""GitHub, in the cloud and of one's own, and Gitea and Forgejo, whose API is GitHub's in what is used here: commit
statuses and hooks.

Source: GitHub's REST API, "Commit statuses" and "Repository webhooks"; that of Gitea and Forgejo under `/api/v1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .api import Api
from .hook_list import HookList, configured_url
from .host import Connection, Hook, Status, shorten


class GitHub:
    """A repository `owner/name`."""

    longest_description = 140

    _status_right = "'Commit statuses: write' (fine-grained) or repo:status (classic)"
    _hook_right = "'Webhooks: write' (fine-grained) or admin:repo_hook (classic)"
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
    _page_size = "limit=50"
    _no_target: Mapping[str, str] = {"target_url": ""}

    def _told(self, hook: Hook) -> dict[str, Any]:
        # A filter that is not there means every branch, also for a hook that had one.
        return {"type": "gitea", "config": {"url": hook.url, "content_type": "json", "secret": hook.secret}}
