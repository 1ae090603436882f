"""The comments of one pull or merge request, and the one among them that is kept up to date.

Law: a comment is ours if it begins with our mark and the token wrote it. Anybody can write the mark, and whoever wrote
a comment can change what it says later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from ..core.errors import Denied, NotFound, Unavailable
from .api import Api
from .host import Comment

_MOST_PAGES = 50
Listed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CommentList:
    """`path` is where the comments are listed and created, `one` where each of them is, `page_size` the parameter that
    asks for many at once, `change` the method that updates one, and `needs` the right that all this takes.

    `author` is where in a comment stands who wrote it. `is_bot` tells whether that is a program, for tokens which are
    not told who they are, as those of a job.
    """

    api: Api
    path: str
    one: str
    page_size: str
    change: Literal["PATCH", "PUT"]
    needs: str
    author: str
    is_bot: Callable[[Listed], bool]

    def keep(self, mark: str, text: str) -> Comment:
        """Update our comment, or create it; of several, as two jobs at once make them, the oldest stays."""
        is_ours = self._ours(mark)
        body = {"body": f"{mark}\n{text}"}
        found = self._written(is_ours)
        if found:
            return self._settled(found, body, "updated")
        # If the host failed when it was done, once more would be a second comment.
        made = self.api.call("POST", self.path, body, needs=self.needs, repeatable=False)
        if not isinstance(made, dict) or "id" not in made:
            raise Unavailable(f"{self.api.base} did not answer with a comment; check the URL of the API")
        found = self._written(is_ours)
        if len(found) < 2:
            return Comment(str(made["id"]), "created")
        return self._settled(found, body, "created")

    def _settled(self, found: list[Listed], body: Mapping[str, Any], action: Literal["created", "updated"]) -> Comment:
        first, *others = found
        self.api.call(self.change, self._at(first), body, needs=self.needs)
        for other in others:
            try:
                self.api.call("DELETE", self._at(other), needs=self.needs)
            except NotFound:
                # Whoever else was at it has done so.
                continue
        return Comment(str(first["id"]), action)

    def _at(self, comment: Listed) -> str:
        return f"{self.one}/{quote(str(comment['id']), safe='')}"

    def _ours(self, mark: str) -> Callable[[Listed], bool]:
        me = self._me()

        def is_ours(comment: Listed) -> bool:
            author = comment.get(self.author)
            if not isinstance(author, dict) or not str(comment.get("body", "")).startswith(f"{mark}\n"):
                return False
            return author.get("id") == me if me is not None else self.is_bot(author)

        return is_ours

    def _me(self) -> object:
        """The id of whom the token belongs to; None where it is not told."""
        try:
            me = self.api.call("GET", "/user", needs=self.needs)
        except (Denied, NotFound):
            return None
        return me.get("id") if isinstance(me, dict) else None

    def _written(self, is_ours: Callable[[Listed], bool]) -> list[Listed]:
        """Our comments, the oldest first."""
        return sorted(filter(is_ours, self._all()), key=lambda comment: comment["id"])

    def _all(self) -> Iterator[Listed]:
        """Page by page, until one has nothing new: some hosts know no pages, and give all of them each time."""
        seen: set[int] = set()
        for page in range(1, _MOST_PAGES + 1):
            listed = self.api.call("GET", f"{self.path}?{self.page_size}&page={page}", needs=self.needs)
            if not isinstance(listed, list):
                raise Unavailable(f"{self.api.base} did not answer with a list of comments; check the URL of the API")
            known = (one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), int))
            new = [one for one in known if one["id"] not in seen]
            yield from new
            seen.update(one["id"] for one in new)
            if not new:
                return
