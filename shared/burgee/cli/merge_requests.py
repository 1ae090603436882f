"""The pull or merge request that a job of a Git host runs for, by the variables and files that hosts give to jobs.

Sources: GitHub's "Variables reference" and "Webhook events and payloads" (`pull_request`, `issue_comment`), whose names
Gitea and Forgejo keep; GitLab's "Predefined CI/CD variables reference".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ConfigurationError

_MOST_BYTES = 8 * 1024 * 1024
_FORGES = {"GITEA_ACTIONS": "gitea", "FORGEJO_ACTIONS": "forgejo"}


@dataclass(frozen=True, slots=True)
class Job:
    """What a job knows; None is what it does not: which request it is for, its repository and its host, the commit that
    the request began at or is to be merged into, a token, and where a summary of the job may be written.
    """

    request: int | None = None
    base: str | None = None
    repository: str | None = None
    kind: str | None = None
    api: str | None = None
    token: str | None = None
    summary: str | None = None


def job_of(environ: Mapping[str, str]) -> Job:
    """The job that these variables are of. Raises ConfigurationError for an event that cannot be read."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    return Job()


def _github(environ: Mapping[str, str]) -> Job:
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    pull, issue = _object(event, "pull_request"), _object(event, "issue")
    # An issue that has this field is a pull request; its event says nothing of commits.
    number = pull.get("number") or (issue.get("number") if "pull_request" in issue else None)
    server, name = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    kinds = [kind for variable, kind in _FORGES.items() if environ.get(variable) == "true"]
    base = _object(pull, "base").get("sha")
    return Job(
        number if isinstance(number, int) else None,
        base if isinstance(base, str) else None,
        f"{server}/{name}" if server and name else None,
        kinds[-1] if kinds else "github",
        environ.get("GITHUB_API_URL") or None,
        environ.get("GITHUB_TOKEN") or None,
        environ.get("GITHUB_STEP_SUMMARY") or None,
    )


def _gitlab(environ: Mapping[str, str]) -> Job:
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    return Job(
        int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else None,
        environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or None,
        # A pipeline may run in a fork; the request is where it is to be merged.
        environ.get("CI_MERGE_REQUEST_PROJECT_URL") or environ.get("CI_PROJECT_URL") or None,
        "gitlab",
        environ.get("CI_API_V4_URL") or None,
        environ.get("GITLAB_TOKEN") or None,
    )


def _event(path: str | None) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the event of the job (GITHUB_EVENT_PATH) at {path}: {error}") from error
    return event if isinstance(event, dict) else {}


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}
