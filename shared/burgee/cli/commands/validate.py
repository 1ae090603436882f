"""`burgee validate`: check flag files and say every problem."""

from __future__ import annotations

import click

from ..options import environment_option, example
from ..output import counting, note, show_problems
from ..places import tree_at

_FORMS = ("text", "json", "sarif", "github")


@click.command("validate", epilog=example("burgee validate samplerepo"))
@click.argument("path", default=".", type=click.Path(exists=True, file_okay=False))
@environment_option
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", show_default=True, help="How to print.")
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def command(path: str, environment: str | None, form: str, strict: bool) -> None:
    """Check the flag files of a repository's folder and say every problem.

    Exits with 1 when there is an error, with --strict also when there is a warning.
    """
    tree = tree_at(path)
    names = [tree.environment(environment)] if environment else list(tree.project.environments)
    problems = {}
    with counting("files checked") as progress:
        for name in names:
            problems.update(dict.fromkeys(tree.author(name, progress).problems))
    show_problems(tuple(problems), form=form)
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "text":
        note(f"{', '.join(names)}: {errors} errors, {len(problems) - errors} warnings")
    if errors or (strict and problems):
        raise click.exceptions.Exit(1)
