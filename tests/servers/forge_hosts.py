"""How each Git host answers: its paths, its limits, its words for what is wrong, and what its hooks look like."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from .forge_comments import Comment, answer_about_comments

Answer = tuple[int, Any, Mapping[str, str]]
Hooks = list[dict[str, Any]]


class Call(NamedTuple):
    """A request below the path of an API; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


class Written(NamedTuple):
    """A status, in the words of the host."""

    kind: str
    commit: str
    context: str
    state: str
    description: str
    url: str | None


class State(Protocol):
    """What the hosts of a server share."""

    repository: str
    lacking: set[str]
    signs: bool
    page: int
    written: list[Written]
    hooks: dict[str, Hooks]
    comments: dict[str, list[Comment]]
    beside: Callable[[], None] | None


class _Host:
    """What hosts have in common. Each has its own words for what is wrong."""

    statuses: str
    listing: str
    # Where the comments of request 7 are, and each of them; the method that updates one, and who wrote it.
    comments = "/repos/{0}/issues/7/comments"
    comment = "/repos/{0}/issues/comments"
    changing = "PATCH"
    author = "user"
    scheme = "Bearer"
    size = "per_page"
    usual_page = 30

    def __init__(self, state: State, kind: str, token: str) -> None:
        self.state = state
        self.kind = kind
        self._token = token

    @property
    def hooks(self) -> Hooks:
        return self.state.hooks[self.kind]

    def answer(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"{self.scheme} {self._token}":
            return self.unauthorized()
        repository = self.state.repository
        statuses, listing = (
            text.format(repository, quote(repository, safe="")) for text in (self.statuses, self.listing)
        )
        before, _, after = statuses.partition("*")
        if call.path.startswith(before) and call.path.endswith(after) and call.method == "POST":
            commit = call.path.removeprefix(before).removesuffix(after)
            return self.forbidden("statuses") if "statuses" in self.state.lacking else self.status(commit, call.body)
        if found := answer_about_comments(self, call):
            return found
        if call.path == listing or call.path.startswith(f"{listing}/"):
            identity = call.path.removeprefix(listing).strip("/")
            return self.forbidden("hooks") if "hooks" in self.state.lacking else self._hook(call, identity)
        return self.missing()

    def _hook(self, call: Call, identity: str) -> Answer:
        if call.method == "GET":
            size = min(int(call.query.get(self.size, self.usual_page)), self.state.page)
            page = int(call.query.get("page", 1))
            return self.pages([self.shown(hook) for hook in self.hooks], page, size)
        if call.method == "POST" and not identity:
            return self.wrong(call.body) or (201, self._made(call.body), {})
        found = [hook for hook in self.hooks if self.identity(hook) == identity]
        if not found:
            return self.missing()
        return self.wrong(call.body, updated=found[0]) or (200, self._taken(found[0], call.body), {})

    def _made(self, body: Mapping[str, Any]) -> Any:
        hook = {"id": 1 + max((hook["id"] for hook in self.hooks), default=0)}
        self.hooks.append(hook)
        return self._taken(hook, body)

    def _taken(self, hook: dict[str, Any], body: Mapping[str, Any]) -> Any:
        self.take(hook, body)
        return self.shown(hook)

    def pages(self, shown: list[Any], page: int, size: int) -> Answer:
        return 200, shown[(page - 1) * size : page * size], {}

    def identity(self, hook: Mapping[str, Any]) -> str:
        return str(hook["id"])

    def write(self, commit: str, context: str, state: str, description: str, url: str | None) -> None:
        self.state.written.append(Written(self.kind, commit, context, state, description, url))

    def unauthorized(self) -> Answer:
        raise NotImplementedError

    def forbidden(self, what: str) -> Answer:
        raise NotImplementedError

    def missing(self) -> Answer:
        raise NotImplementedError

    def status(self, commit: str, body: Mapping[str, Any]) -> Answer:
        raise NotImplementedError

    def wrong(self, body: Mapping[str, Any], *, updated: Mapping[str, Any] | None = None) -> Answer | None:
        raise NotImplementedError

    def take(self, hook: dict[str, Any], body: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def shown(self, hook: Mapping[str, Any]) -> Any:
        raise NotImplementedError


class _GitHub(_Host):
    statuses = "/repos/{0}/statuses/*"
    listing = "/repos/{0}/hooks"

    def unauthorized(self) -> Answer:
        return 401, {"message": "Bad credentials", "status": "401"}, {}

    def forbidden(self, what: str) -> Answer:
        return 403, {"message": "Resource not accessible by personal access token", "status": "403"}, {}

    def missing(self) -> Answer:
        return 404, {"message": "Not Found", "status": "404"}, {}

    def _invalid(self, resource: str, message: str) -> Answer:
        error = {"resource": resource, "code": "custom", "message": message}
        return 422, {"message": "Validation Failed", "errors": [error], "status": "422"}, {}

    def status(self, commit: str, body: Mapping[str, Any]) -> Answer:
        if body["state"] not in ("error", "failure", "pending", "success"):
            return self._invalid("Status", "state is not included in the list")
        if len(body["description"]) > 140:
            return self._invalid("Status", "description is too long (maximum is 140 characters)")
        if set(commit) == {"0"}:
            return 422, {"message": f"No commit found for SHA: {commit}", "status": "422"}, {}
        self.write(commit, body["context"], body["state"], body["description"], body.get("target_url"))
        return 201, {"id": 1, **body}, {}

    def wrong(self, body: Mapping[str, Any], *, updated: Mapping[str, Any] | None = None) -> Answer | None:
        same = [hook for hook in self.hooks if hook is not updated and hook["config"]["url"] == body["config"]["url"]]
        return self._invalid("Hook", "Hook already exists on this repository") if same else None

    def take(self, hook: dict[str, Any], body: Mapping[str, Any]) -> None:
        hook.update(body)

    def shown(self, hook: Mapping[str, Any]) -> Any:
        return {"type": "Repository", **hook, "config": {**hook["config"], "secret": "********"}}


class _Gitea(_Host):
    statuses = _GitHub.statuses
    listing = _GitHub.listing
    scheme = "token"
    size = "limit"

    def unauthorized(self) -> Answer:
        return 401, {"message": "user does not exist [uid: 0, name: ]"}, {}

    def forbidden(self, what: str) -> Answer:
        return 403, {"message": "token does not have at least one of required scope(s): [write:repository]"}, {}

    def missing(self) -> Answer:
        return 404, {"errors": [], "message": "The target couldn't be found."}, {}

    def status(self, commit: str, body: Mapping[str, Any]) -> Answer:
        self.write(commit, body["context"], body["state"], body["description"], body["target_url"] or None)
        return 201, {"id": 1, **body}, {}

    def wrong(self, body: Mapping[str, Any], *, updated: Mapping[str, Any] | None = None) -> Answer | None:
        if updated is None and body.get("type") not in ("gitea", "forgejo"):
            return 422, {"message": f"Invalid hook type: {body.get('type')}"}, {}
        missing = [name for name in ("url", "content_type") if name not in body["config"]]
        return (422, {"message": f"Missing config option: {missing[0]}"}, {}) if missing else None

    def take(self, hook: dict[str, Any], body: Mapping[str, Any]) -> None:
        hook.update({"branch_filter": "", **body})

    def shown(self, hook: Mapping[str, Any]) -> Any:
        config = {name: value for name, value in hook["config"].items() if name != "secret"}
        return {**hook, "config": config}


class _GitLab(_Host):
    statuses = "/projects/{1}/statuses/*"
    listing = "/projects/{1}/hooks"
    usual_page = 20
    comments = comment = "/projects/{1}/merge_requests/7/notes"
    changing = "PUT"
    author = "author"

    def unauthorized(self) -> Answer:
        return 401, {"message": "401 Unauthorized"}, {}

    def forbidden(self, what: str) -> Answer:
        said = "The request requires higher privileges than provided by the access token."
        return 403, {"error": "insufficient_scope", "error_description": said, "scope": "api"}, {}

    def missing(self) -> Answer:
        return 404, {"message": "404 Project Not Found"}, {}

    def status(self, commit: str, body: Mapping[str, Any]) -> Answer:
        if body["state"] not in ("pending", "running", "success", "failed", "canceled", "skipped"):
            return 400, {"error": "state does not have a valid value"}, {}
        for name in ("description", "target_url"):
            if len(body.get(name) or "") > 255:
                return 400, {"message": {name: ["is too long (maximum is 255 characters)"]}}, {}
        last = [said for said in self.state.written if (said.commit, said.context) == (commit, body["name"])][-1:]
        if body["state"] == "pending" and last and last[0].state == "pending":
            reason = 'Status cannot transition via "enqueue"'
            return 400, {"message": f"Cannot transition status via :enqueue from :pending (Reason(s): {reason})"}, {}
        self.write(commit, body["name"], body["state"], body["description"], body.get("target_url"))
        return 201, {"id": 1, **body}, {}

    def wrong(self, body: Mapping[str, Any], *, updated: Mapping[str, Any] | None = None) -> Answer | None:
        if "url" not in body:
            return 400, {"error": "url is missing"}, {}
        key = body.get("signing_token", "")
        if self.state.signs and key and not (key.startswith("whsec_") and len(b64decode(key[6:])) == 32):
            return 422, {"message": {"signing_token": [f"{key} must be whsec_ and a key of 32 bytes"]}}, {}
        return None

    def take(self, hook: dict[str, Any], body: Mapping[str, Any]) -> None:
        taken = {name: value for name, value in body.items() if name != "signing_token" or self.state.signs}
        hook.update(taken)

    def shown(self, hook: Mapping[str, Any]) -> Any:
        shown = {name: value for name, value in hook.items() if name not in ("token", "signing_token")}
        if not self.state.signs:
            return shown
        present = {f"{name}_present": bool(hook.get(name)) for name in ("token", "signing_token")}
        return {**shown, **present}


class _Bitbucket(_Host):
    statuses = "/repositories/{0}/commit/*/statuses/build"
    listing = "/repositories/{0}/hooks"
    size = "pagelen"
    usual_page = 10

    def unauthorized(self) -> Answer:
        return 401, {"type": "error", "error": {"message": "Token is invalid or not supported for this endpoint."}}, {}

    def forbidden(self, what: str) -> Answer:
        said = "Your credentials lack one or more required privilege scopes."
        detail = {"required": ["webhook" if what == "hooks" else "repository"], "granted": ["account"]}
        return 403, {"type": "error", "error": {"message": said, "detail": detail}}, {}

    def missing(self) -> Answer:
        said = "You may not have access to this repository or it no longer exists in this workspace."
        return 404, {"type": "error", "error": {"message": said}}, {}

    def status(self, commit: str, body: Mapping[str, Any]) -> Answer:
        fields = {name: ["This field is required."] for name in ("key", "state", "url") if not body.get(name)}
        if len(body["key"]) > 40:
            fields["key"] = [f"Ensure this value has at most 40 characters (it has {len(body['key'])})."]
        if body["state"] not in ("INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"):
            fields["state"] = ["Not a valid choice."]
        if fields:
            return 400, {"type": "error", "error": {"message": "Bad request", "fields": fields}}, {}
        self.write(commit, body["key"], body["state"], body["description"], body["url"])
        return 201, body, {}

    def pages(self, shown: list[Any], page: int, size: int) -> Answer:
        values = shown[(page - 1) * size : page * size]
        if page > 1 and not values:
            return 404, {"type": "error", "error": {"message": "Invalid page"}}, {}
        further = {"next": "elsewhere"} if len(shown) > page * size else {}
        return 200, {"values": values, "page": page, "size": len(shown), **further}, {}

    def identity(self, hook: Mapping[str, Any]) -> str:
        return f"%7B{hook['id']}-0%7D"

    def wrong(self, body: Mapping[str, Any], *, updated: Mapping[str, Any] | None = None) -> Answer | None:
        if body.get("events") == ["repo:push"] and body.get("description"):
            return None
        return 400, {"type": "error", "error": {"message": "Bad request"}}, {}

    def take(self, hook: dict[str, Any], body: Mapping[str, Any]) -> None:
        hook.update(body)

    def shown(self, hook: Mapping[str, Any]) -> Any:
        shown = {name: value for name, value in hook.items() if name not in ("id", "secret")}
        return {**shown, "uuid": f"{{{hook['id']}-0}}", "secret_set": bool(hook.get("secret"))}


HOSTS: dict[str, Callable[[State, str, str], _Host]] = {
    "github": _GitHub,
    "gitlab": _GitLab,
    "gitea": _Gitea,
    "forgejo": _Gitea,
    "bitbucket": _Bitbucket,
}
