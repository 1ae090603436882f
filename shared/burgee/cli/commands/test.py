"""`burgee test`: run the flag tests beside the flags."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from threading import Event
from time import monotonic

import click

from ...core.errors import BurgeeError, InvalidRequest
from ...core.visible import visible
from ...deliver.verdict import Verdict
from ..found import instant_of
from ..junit import junit_xml
from ..options import Folder, environment_option, example, json_option
from ..output import complain, note, show_json, show_problems
from ..testing import Ask, Run, run_asked, run_fields

_OF_FLAGS = (".yaml", ".yml", ".json")


@click.command(
    "test",
    epilog=example(
        "burgee test", "burgee test . -e staging --flag new-checkout", "burgee test --at 2026-12-01T09:00:00Z --json"
    ),
)
@click.argument("folder", default=".", type=Folder())
@environment_option("default: every one")
@click.option("--flag", metavar="KEY", default="", help="Only the tests of this flag.")
@click.option("--commit", metavar="REV", help="A commit of the repository that FOLDER is in.")
@click.option("--at", "instant", metavar="INSTANT", help="When cases without an instant are asked (default: now).")
@click.option("--watch", is_flag=True, help="Run again whenever a file is saved, until Ctrl-C.")
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False), help="Write a report in JUnit's XML too.")
@json_option
def command(
    folder: str,
    environment: str | None,
    flag: str,
    commit: str | None,
    instant: str | None,
    watch: bool,
    junit: str | None,
    as_json: bool,
) -> None:
    """Run the flag tests, files that end in .test.yaml below the directories of environments.

    Each failing case is one line: where it stands, what was wanted, what was given and why. Shares are counted over
    every bucket, so they are exact.

    Exits with 1 when a case fails, or when flags or tests have mistakes. What failing tests mean for a publish is what
    `tests` in burgee.yaml says; here they are run whatever it says.

    With --json: {passed, failed, results, problems}; results is a list of {environment, file, line, column, namespace,
    flag, title, at, passed, expected, got, why, hint}, problems are as in `burgee validate`.
    """
    ask = Ask(folder, commit, environment, flag, None if instant is None else instant_of(instant, name="--at"))
    if not watch:
        run = run_asked(ask)
        _show(run, as_json=as_json, junit=junit)
        if run.has_failed:
            raise click.exceptions.Exit(1)
        return
    if commit or as_json or junit:
        raise InvalidRequest("--watch follows a folder and prints text; leave out --commit, --json and --junit")
    _watch(ask)


def _show(run: Run, *, as_json: bool = False, junit: str | None = None) -> None:
    problems = tuple(run.problems)
    if junit:
        suites = [(environment, file, verdicts) for (environment, file), verdicts in run.verdicts.items()]
        Path(junit).write_bytes(junit_xml(suites, problems))
    if as_json:
        show_json(run_fields(run))
        return
    if problems:
        show_problems(problems)
    for environment, file, verdict in run.every:
        if not verdict.passed:
            _show_failure(environment, file, verdict)
    _show_counts(run)


def _show_failure(environment: str, file: str, verdict: Verdict) -> None:
    place = visible(f"{file}:{verdict.line}:{verdict.column}")
    hint = f"; {verdict.hint}" if verdict.hint else ""
    said = visible(f"{verdict.finding().message}{hint}")
    click.echo(f"{place}: {click.style(f'failed in {environment}', fg='red')}: {said}")


def _show_counts(run: Run) -> None:
    counts: dict[str, list[bool]] = {}
    for environment, _, verdict in run.every:
        counts.setdefault(environment, []).append(verdict.passed)
    for environment, passed in counts.items():
        failed = passed.count(False)
        said = f"{failed} of {len(passed)} failed" if failed else f"{len(passed)} passed"
        click.secho(f"{environment}: {said}", fg="red" if failed else "green")
    if not counts and not run.problems:
        note("no flag tests: write files that end in .test.yaml beside your flags")


def _watch(ask: Ask) -> None:
    """Run at once, and again after each burst of saved files."""
    # Most runs watch nothing, and what it needs takes long to import.
    from ...host.watch import watch_folder

    def changed(paths: frozenset[Path]) -> None:
        if paths and not any(path.suffix in _OF_FLAGS for path in paths):
            return
        started = monotonic()
        try:
            _show(run_asked(ask))
        except BurgeeError as error:
            complain(str(error))
        click.secho(f"{datetime.now():%H:%M:%S}, {(monotonic() - started) * 1000:.0f} ms; Ctrl-C ends this", dim=True)

    changed(frozenset())
    watch_folder(Path(ask.path), changed, stop=Event())
