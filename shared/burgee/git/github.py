"""GitHub, in the cloud and of one's own: commit statuses and hooks.

Source: GitHub's REST API, "Commit statuses" and "Repository webhooks".
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from .api import Api
from .hook_list import HookList, configured_url
from .host import Connection, Hook, Status, shorten

_STATUS_RIGHT = "'Commit statuses: write' (fine-grained) or repo:status (classic)"
_HOOK_RIGHT = "'Webhooks: write' (fine-grained) or admin:repo_hook (classic)"


class GitHub:
    """A repository `owner/name`."""

    longest_description = 140

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{quote(repository)}"
        self._hooks = HookList(api, f"{self._path}/hooks", "per_page=100", "PATCH", _HOOK_RIGHT, url_of=configured_url)

    def __repr__(self) -> str:
        return f"GitHub({self._api.base + self._path!r})"

    def close(self) -> None:
        self._api.close()

    def write_status(self, commit: str, status: Status) -> None:
        body = {
            "state": status.state,
            "context": status.context,
            "description": shorten(status.description, self.longest_description),
        }
        target = {"target_url": status.target_url} if status.target_url else {}
        self._api.call("POST", f"{self._path}/statuses/{quote(commit, safe='')}", body | target, needs=_STATUS_RIGHT)

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        found = self._hooks.find(hook.url)
        if dry_run:
            return found
        config = {"url": hook.url, "content_type": "json", "secret": hook.secret, "insecure_ssl": "0"}
        made = self._hooks.write(found.id, {"name": "web", "active": True, "events": ["push"], "config": config})
        return replace(found, id=str(made["id"]))
