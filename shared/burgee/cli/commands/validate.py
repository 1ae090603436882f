"""`burgee validate`: check flag files and say every problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ...author.finding import ERROR
from ...core.errors import InvalidFiles, Problem
from ...deliver.candidate import compile_bundle
from ...deliver.testing import check_tests
from ...fetch.clock import SystemClock
from ..options import Folder, environment_option, example
from ..output import note, progress, show_problems
from ..places import tree_at

_FORMS = ("text", "json", "sarif", "github")
_READERS = (
    "schedules are followed by burgee's readers and servers at the instant, by static snapshots when the timer has "
    "written them, and not at all by Flipt's servers that read a registry or this repository (docs/schedules.md)"
)


@click.command("validate", epilog=example("burgee validate", "burgee validate . --environment production --json"))
@click.argument("path", default=".", type=Folder(may_be_elsewhere=True))
@environment_option("default: every one")
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", show_default=True, help="How to print.")
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def command(path: str, environment: str | None, form: str, strict: bool) -> None:
    """Check the flag files of a repository's folder and say every problem, each with file, line and column.

    Flag tests (*.test.yaml) are run as a publish would run them: burgee.yaml says whether those that fail are errors,
    warnings or ignored.

    Exits with 1 when there is an error, with --strict also when there is a warning. A folder without burgee.yaml, as
    Flipt's users have it, is taken as one environment. PATH may be a bundle too, such as
    oci://ghcr.io/acme/flags:production.

    With --json: a list of {file, line, column, path, severity, code, message, hint}.
    """
    problems, checked, scheduled = _problems(path, environment)
    show_problems(problems, form=form)
    if form == "text" and checked:
        counts = (f"{name} ({count} file{'' if count == 1 else 's'})" for name, count in checked.items())
        note(f"checked {', '.join(counts)}")
    if form == "text" and scheduled:
        for name, keys in scheduled.items():
            note(f"{name}: with a schedule: {', '.join(keys)}")
        note(_READERS)
    if any(strict or problem.severity == ERROR for problem in problems):
        raise click.exceptions.Exit(1)


def _problems(
    path: str, environment: str | None
) -> tuple[Sequence[Problem], Mapping[str, int], Mapping[str, Sequence[str]]]:
    """Every problem once, how many files each environment has, and which of its flags have a schedule.

    A wrong burgee.yaml is a problem like any other.
    """
    try:
        tree = tree_at(path)
    except InvalidFiles as error:
        return error.problems, {}, {}
    names = [tree.environment(environment)] if environment else tree.environments
    problems: dict[Problem, None] = {}
    checked = dict.fromkeys(names, 0)
    scheduled: dict[str, Sequence[str]] = {}
    with progress() as show:
        for name in names:

            def count(files: int, name: str = name) -> None:
                checked[name] = files
                show(f"{name}: {files} files checked")

            authored = tree.author(name, count)
            problems.update(dict.fromkeys(authored.problems))
            if authored.ok:
                candidate = compile_bundle(authored.documents.values())
                failed = check_tests(tree.source, tree.project, name, candidate, now=SystemClock.wall())
                problems.update(dict.fromkeys(failed))
                if keys := [key for document in candidate.documents.values() for key in document.scheduled()]:
                    scheduled[name] = keys
    return tuple(problems), checked, scheduled
