"""`burgee validate`: check flag files and say every problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ...author.finding import ERROR
from ...core.errors import InvalidFiles, Problem
from ..options import Folder, environment_option, example
from ..output import note, progress, show_problems
from ..places import tree_at

_FORMS = ("text", "json", "sarif", "github")


@click.command("validate", epilog=example("burgee validate", "burgee validate . --environment production --json"))
@click.argument("path", default=".", type=Folder(may_be_elsewhere=True))
@environment_option("default: every one")
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", show_default=True, help="How to print.")
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def command(path: str, environment: str | None, form: str, strict: bool) -> None:
    """Check the flag files of a repository's folder and say every problem, each with file, line and column.

    Exits with 1 when there is an error, with --strict also when there is a warning. A folder without burgee.yaml, as
    Flipt's users have it, is taken as one environment. PATH may be a bundle too, such as
    oci://ghcr.io/acme/flags:production.

    With --json: a list of {file, line, column, path, severity, code, message, hint}.
    """
    problems, checked = _problems(path, environment)
    show_problems(problems, form=form)
    if form == "text" and checked:
        counts = (f"{name} ({count} file{'' if count == 1 else 's'})" for name, count in checked.items())
        note(f"checked {', '.join(counts)}")
    if any(strict or problem.severity == ERROR for problem in problems):
        raise click.exceptions.Exit(1)


def _problems(path: str, environment: str | None) -> tuple[Sequence[Problem], Mapping[str, int]]:
    """Every problem once, and how many files each environment has; a wrong burgee.yaml is a problem like any other."""
    try:
        tree = tree_at(path)
    except InvalidFiles as error:
        return error.problems, {}
    names = [tree.environment(environment)] if environment else tree.environments
    problems: dict[Problem, None] = {}
    checked = dict.fromkeys(names, 0)
    with progress() as show:
        for name in names:

            def count(files: int, name: str = name) -> None:
                checked[name] = files
                show(f"{name}: {files} files checked")

            problems.update(dict.fromkeys(tree.author(name, count).problems))
    return tuple(problems), checked
