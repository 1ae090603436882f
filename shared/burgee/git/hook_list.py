"""The hooks of one repository, as APIs of Git hosts list and take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from ..core.errors import Unavailable
from .api import Api
from .host import Connection

_MOST_PAGES = 50
Listed = Mapping[str, Any]


def configured_url(hook: Listed) -> object:
    """The URL of a hook whose host has it among other settings, as GitHub and Gitea do."""
    config = hook.get("config")
    return config.get("url") if isinstance(config, dict) else None


@dataclass(frozen=True, slots=True)
class HookList:
    """`path` is where the hooks are, `page_size` the parameter that asks for many of them at once, `change` the method
    that updates one, and `needs` the right that all this takes.
    """

    api: Api
    path: str
    page_size: str
    change: Literal["PATCH", "PUT"]
    needs: str
    id_of: Callable[[Listed], object] = lambda hook: hook.get("id")
    url_of: Callable[[Listed], object] = lambda hook: hook.get("url")

    def find(self, url: str) -> Connection:
        """What connecting this URL would do."""
        found = tuple(str(self.id_of(hook)) for hook in self._all() if self.url_of(hook) == url)
        if not found:
            return Connection(None, "created")
        return Connection(found[0], "updated", others=found[1:])

    def write(self, identity: str | None, body: Mapping[str, Any]) -> Listed:
        """Update the hook of this id, or create one for None; the hook as the host has it then."""
        if identity is None:
            # If the host failed when it was done, once more would be a second hook.
            made = self.api.call("POST", self.path, body, needs=self.needs, repeatable=False)
        else:
            made = self.api.call(self.change, f"{self.path}/{quote(identity, safe='')}", body, needs=self.needs)
        if not isinstance(made, dict) or not self.id_of(made):
            raise Unavailable(f"{self.api.base} did not answer with a hook; check the URL of the API")
        return made

    def _all(self) -> Iterator[Listed]:
        """Page by page, until one has nothing new: hosts give fewer than were asked for, and some know no pages."""
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            answer = self.api.call("GET", f"{self.path}?{self.page_size}&page={page}", needs=self.needs)
            listed = answer.get("values") if isinstance(answer, dict) else answer
            if not isinstance(listed, list):
                raise Unavailable(f"{self.api.base} did not answer with a list of hooks; check the URL of the API")
            new = [hook for hook in listed if isinstance(hook, dict) and str(self.id_of(hook)) not in seen]
            yield from new
            seen.update(str(self.id_of(hook)) for hook in new)
            if not new or (isinstance(answer, dict) and "next" not in answer):
                return
