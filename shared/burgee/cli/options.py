"""Options that several commands share, and how they complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem


def _environment_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from pathlib import Path

    from ..author.project import read_project
    from ..core.errors import BurgeeError

    try:
        names = read_project(Path("burgee.yaml").read_bytes()).environments
    except (OSError, BurgeeError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def environment_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--environment NAME`"""
    return click.option(
        "--environment", "-e", metavar="NAME", shell_complete=_environment_names, help="The environment meant."
    )(function)


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--store URL`"""
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        help="The store, as file:///srv/flags (default: BURGEE_STORE, else the local system's).",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`"""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(function)


def example(text: str) -> str:
    """How an example stands at the end of a command's help, its lines kept."""
    return f"\b\nExample:\n  {text}"
