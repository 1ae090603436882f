"""Git smart HTTP: `/git/<name>` (also `/git/<name>.git`) by `git http-backend`, bodies streamed both ways.

Law: a name is a repository's folder in the root and nothing else; only the requests of clone, fetch and push pass.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from .asgi import Receive, Scope, Send, send_text
from .cgi import Backend, run_backend
from .command import Git, safe_environment

PREFIX = "/git"
HOOKS = "/-/hooks"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REQUEST = re.compile(rf"(?:{PREFIX})?/(?P<name>[^/]+)/(?P<service>info/refs|git-upload-pack|git-receive-pack)")
_log = logging.getLogger("burgee.host")


class GitHttp:
    """The ASGI application for the bare repositories `<name>.git` in a folder.

    With a `secret`, hooks of the repositories are told how to reach the listener that the push came to
    (see `hooks.HookRoutes`).
    """

    def __init__(self, root: Path, *, git: Git, secret: str | None = None, hooks: str = HOOKS) -> None:
        self._root = root.resolve()
        self._git = git
        self._secret = secret
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _REQUEST.fullmatch(scope["path"])
        name = repository_name(match["name"]) if match else None
        if match is None or name is None or not self._exists(name):
            wanted = f"no Git repository at {scope['path']!r}; this server has {self._names() or 'none'}"
            await send_text(send, 404, wanted, closing=scope["method"] != "GET")
            return
        backend = Backend(self._git.program, self._environment(scope, name, match["service"]), self._root)
        try:
            await run_backend(backend, receive, send)
        except OSError as error:
            _log.error("git http-backend for %s could not run: %s", name, error)
            await send_text(send, 500, "git http-backend could not run; the log of the server says more", closing=True)

    def _exists(self, name: str) -> bool:
        folder = self._root / f"{name}.git"
        return folder.is_dir() and not folder.is_symlink()

    def _names(self) -> str:
        found = sorted(path.name.removesuffix(".git") for path in self._root.glob("*.git"))
        return ", ".join(f"{PREFIX}/{name}" for name in found[:10] if _NAME.fullmatch(name))

    def _environment(self, scope: Scope, name: str, service: str) -> dict[str, str]:
        """The variables of CGI (RFC 3875, 4.1) that http-backend reads, and those for the hooks."""
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        client = scope.get("client") or ("127.0.0.1", 0)
        environ = safe_environment(self._git, self._root) | {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self._root),
            "PATH_INFO": f"/{name}.git/{service}",
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "REMOTE_ADDR": client[0],
            "REMOTE_USER": "burgee",
            "REQUEST_METHOD": scope["method"],
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        for header, variable in _VARIABLES.items():
            if header in headers:
                environ[variable] = headers[header]
        if self._secret is not None:
            environ |= {
                "BURGEE_HOOK_REPOSITORY": name,
                "BURGEE_HOOK_SECRET": self._secret,
                "BURGEE_HOOK_URL": f"{_local_url(scope)}{self._hooks}",
            }
        return environ


_VARIABLES = {
    "content-encoding": "HTTP_CONTENT_ENCODING",
    "content-length": "CONTENT_LENGTH",
    "content-type": "CONTENT_TYPE",
    "git-protocol": "GIT_PROTOCOL",
}


def repository_name(text: str) -> str | None:
    """The name in one segment of a path, without `.git`; None if it cannot be a repository's."""
    name = text.removesuffix(".git")
    return name if _NAME.fullmatch(name) and not name.endswith((".git", ".lock")) and ".." not in name else None


def _local_url(scope: Scope) -> str:
    """Where this connection arrived: an address that a process on this machine reaches as well."""
    host, port = scope["server"]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
