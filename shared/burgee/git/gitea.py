"""Gitea and Forgejo, as at Codeberg: commit statuses and hooks.

Source: their API under `/api/v1`, which is the same in both for what is used here.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from .api import Api
from .hook_list import HookList, configured_url
from .host import Connection, Hook, Status, shorten

_STATUS_RIGHT = "write:repository"
_HOOK_RIGHT = "write:repository, from somebody who administrates the repository"


class Gitea:
    """A repository `owner/name`."""

    # Gitea has no limit; this much is still read in a list.
    longest_description = 255

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{quote(repository)}"
        self._hooks = HookList(api, f"{self._path}/hooks", "limit=50", "PATCH", _HOOK_RIGHT, url_of=configured_url)

    def __repr__(self) -> str:
        return f"Gitea({self._api.base + self._path!r})"

    def close(self) -> None:
        self._api.close()

    def write_status(self, commit: str, status: Status) -> None:
        body = {
            "state": status.state,
            "context": status.context,
            "description": shorten(status.description, self.longest_description),
            "target_url": status.target_url or "",
        }
        self._api.call("POST", f"{self._path}/statuses/{quote(commit, safe='')}", body, needs=_STATUS_RIGHT)

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        found = self._hooks.find(hook.url)
        if dry_run:
            return found
        config = {"url": hook.url, "content_type": "json", "secret": hook.secret}
        # A filter that is not there means every branch, also for a hook that had one.
        made = self._hooks.write(found.id, {"type": "gitea", "active": True, "events": ["push"], "config": config})
        return replace(found, id=str(made["id"]))
