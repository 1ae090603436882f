"""How Git hosts answer about the comments of one pull or merge request, which is number 7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from .forge_hosts import Answer, Call, _Host

# GitHub's limit, the lowest of them.
LONGEST = 65_536


class User(NamedTuple):
    """Somebody at a host. The token is Ann's, or a bot's where it cannot ask who it is."""

    id: int
    name: str
    type: str = "User"


ANN = User(1, "ann")
MALLORY = User(2, "mallory")
BOT = User(41898282, "github-actions[bot]", "Bot")


@dataclass(slots=True)
class Comment:
    """One comment as the host keeps it."""

    id: int
    author: User
    body: str


def answer_about_comments(host: _Host, call: Call) -> Answer | None:
    """What the host says, or None where it is not asked for comments or for who asks."""
    state, lacking = host.state, host.state.lacking
    me = BOT if "user" in lacking else ANN
    if call.path == "/user":
        return host.forbidden("user") if "user" in lacking else (200, {"id": me.id, "login": me.name}, {})
    listing, one = (text.format(state.repository, quote(state.repository, safe="")) for text in _paths(host))
    known = state.comments[host.kind]
    if call.path != listing and not call.path.startswith(f"{one}/"):
        return None
    if "comments" in lacking:
        return host.forbidden("comments")
    if call.path == listing and call.method == "GET":
        return 200, _listed(host, call), {}
    if call.body and len(call.body["body"]) > LONGEST:
        return 422, {"message": "Validation Failed"}, {}
    if call.path == listing:
        if state.beside:
            state.beside()
        known.append(Comment(1 + max((comment.id for comment in known), default=100), me, call.body["body"]))
        return 201, _shown(host, known[-1]), {}
    return _changed(host, call, int(call.path.rpartition("/")[2]))


def _changed(host: _Host, call: Call, identity: int) -> Answer:
    known = host.state.comments[host.kind]
    found = [comment for comment in known if comment.id == identity]
    if not found:
        return host.missing()
    if call.method == "DELETE":
        known.remove(found[0])
        return 204, None, {}
    if call.method != host.changing:
        return 405, {"message": "405 Method Not Allowed"}, {}
    found[0].body = call.body["body"]
    return 200, _shown(host, found[0]), {}


def _listed(host: _Host, call: Call) -> list[Any]:
    """GitLab begins with the newest; Gitea knows no pages, and gives all of them each time."""
    shown = [_shown(host, comment) for comment in host.state.comments[host.kind]]
    if host.kind == "gitlab":
        shown.reverse()
    if host.kind in ("gitea", "forgejo"):
        return shown
    page, size = int(call.query.get("page", 1)), min(int(call.query.get(host.size, host.usual_page)), host.state.page)
    return shown[(page - 1) * size : page * size]


def _shown(host: _Host, comment: Comment) -> dict[str, Any]:
    author = {"id": comment.author.id, "login": comment.author.name, "type": comment.author.type}
    return {"id": comment.id, "body": comment.body, host.author: author}


def _paths(host: _Host) -> tuple[str, str]:
    return host.comments, host.comment
