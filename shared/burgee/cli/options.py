"""Arguments and options that several commands share, and how they complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..bundle.addresses import shown_url


class Folder(click.Path):
    """A folder; unless it `may_come`, one that is there; or a bundle or a bucket, where it `may_be_elsewhere`."""

    name = "folder"

    def __init__(self, *, may_come: bool = False, may_be_elsewhere: bool = False) -> None:
        super().__init__(file_okay=False)
        self._may_come = may_come
        self._may_be_elsewhere = may_be_elsewhere

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if self._may_be_elsewhere and _is_elsewhere(value):
            return value
        try:
            path = Path(value)
            if path.is_dir() or (self._may_come and not path.exists()):
                return value
            missing = "it is a file" if path.exists() else what_is_missing(value)
        except OSError as error:
            missing = str(error.strerror)
        shown = shown_url(value) if "://" in value else value
        raise click.UsageError(f"no folder at {shown}: {missing}", ctx)


def environment_option(without: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--environment NAME`; `without` says which environments are meant when it is not given."""
    return click.option(
        "--environment", "-e", metavar="NAME", shell_complete=environment_names, help=f"The environment ({without})."
    )


def environment_argument(
    *, required: bool = True, metavar: str = "ENVIRONMENT"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`ENVIRONMENT`, which may be given as `--environment NAME` just as well, as other commands have it."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def named(*, environment: str | None, also: str | None, **rest: Any) -> Any:
            chosen = _one_of(environment, also)
            if chosen is None and required:
                raise click.UsageError(f"missing argument {metavar!r}", click.get_current_context())
            return function(environment=chosen, **rest)

        shown = metavar if required else f"[{metavar}]"
        option = click.option(
            *("--environment", "-e", "also"),
            metavar="NAME",
            shell_complete=environment_names,
            help="The environment, as an option.",
        )
        argument = click.argument("environment", required=False, metavar=shown, shell_complete=environment_names)
        return argument(option(named))

    return decorate


def environments_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--environment NAME`, as often as there are some, beside `ENVIRONMENT...`."""
    return click.option(
        *("--environment", "-e", "also"),
        multiple=True,
        metavar="NAME",
        shell_complete=environment_names,
        help="An environment, as an option.",
    )(function)


def several_environments(named: Sequence[str], also: Sequence[str]) -> Sequence[str]:
    """Those that were named, by argument or option. Raises UsageError for none, and where the two differ."""
    if not named and not also:
        raise click.UsageError("missing argument 'ENVIRONMENT...'", click.get_current_context())
    if named and also and set(named) != set(also):
        raise click.UsageError(
            f"{', '.join(named)} and -e {', '.join(also)} are not the same; name environments in one way",
            click.get_current_context(),
        )
    return tuple(dict.fromkeys(named or also))


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--store URL`"""
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        help="The store, as file:///srv/flags or s3://bucket/prefix "
        "(default: BURGEE_STORE, else the one of `burgee dev` below BURGEE_DIR).",
    )(function)


def namespace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--namespace KEY`"""
    return click.option(
        "--namespace", "-n", metavar="KEY", default="default", show_default=True, help="The flag's namespace."
    )(function)


def contexts_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--contexts FILE`"""
    return click.option(
        "--contexts",
        metavar="FILE",
        type=click.Path(),
        help="Sample contexts, a JSON object on each line; which of them get another answer is said too.",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`"""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(function)


def example(*lines: str) -> str:
    """How examples stand at the end of a command's help, each on its line."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def environment_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments of burgee.yaml in --source, else here; none when it is missing or wrong.

    Click does not tell the arguments before an option whose value is completed, so a folder named as one is not seen.
    """
    names = environments_here(context.params.get("source") or ".")
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def active_releases(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The active releases of the environments of burgee.yaml, as `production@active`; none when it cannot be read."""
    names = environment_names(context, parameter, incomplete.partition("@")[0])
    places = (f"{item.value}@active" for item in names)
    return [CompletionItem(place) for place in places if place.startswith(incomplete)]


def environments_here(folder: str = ".") -> Sequence[str]:
    """The environments of burgee.yaml in a folder; none when it is missing or wrong."""
    from ..author.project import PROJECT_FILE, read_project
    from ..core.errors import BurgeeError

    try:
        return tuple(read_project((Path(folder) / PROJECT_FILE).read_bytes()).environments)
    except (OSError, BurgeeError):
        return ()


def what_is_missing(place: str) -> str:
    """What to do about a folder that is not there: it may be an environment that was meant."""
    if place in environments_here():
        return f"it is an environment, which is named by -e {place}"
    return "create it, or name another"


def _one_of(named: str | None, also: str | None) -> str | None:
    if named is not None and also not in (None, named, named.partition("@")[0]):
        raise click.UsageError(f"{named!r} and -e {also!r} are two environments; name one", click.get_current_context())
    return named or also


def _is_elsewhere(place: str) -> bool:
    from .places import is_elsewhere

    return is_elsewhere(place)
