"""What a push to the hosted repository does: it is checked before it is taken, and published after.

Law: a push that introduces a mistake is rejected; one that only leaves mistakes where they were is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from ..core.errors import BurgeeError, InvalidFiles, Problem
from ..deliver.built import Built
from ..deliver.publish import publish
from ..deliver.publisher import Options, Publisher, Rim
from ..deliver.receipt import lines, problem_lines
from ..deliver.sealing import Sealing
from ..store.port import Store
from .beside import FolderBeside
from .hooks import Push
from .hosted import HostedRepository
from .push_options import as_push_options, options_of
from .push_options import refusal as refusal_of

Fault = tuple[str, ...]
_TOOK = re.compile(r" \(\d+ ms\)$")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether moving refs would introduce no mistake, and the lines to say."""

    accepted: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pushes:
    """Checks and publishes what comes into one repository, by pushes or from the folder `beside` it.

    `released` is called after every publish, one of which runs at a time; `say` shows a line at the host, which was
    `told` lines by environment.
    """

    name: str
    bare: Path
    store: Store
    rim: Rim
    built: Built
    options: Options
    sealing: Sealing
    released: Callable[[], None]
    say: Callable[[str], None]
    beside: FolderBeside | None
    publishing: Lock
    told: dict[str, list[str]] = field(default_factory=dict)

    def check(self, push: Push) -> Generator[str, None, bool]:
        """The lines of a pre-receive hook, and whether the push is taken."""
        refusal = refusal_of(push.options) or (self.beside.refusal(push) if self.beside else None)
        moved = {update.ref: update.new for update in push.updates}
        verdict = Verdict(False, (refusal,)) if refusal else self.judge(moved, push)
        yield from self._said(verdict.lines)
        return verdict.accepted

    def publish(self, push: Push) -> Iterator[str]:
        """The lines of a post-receive hook: what happened in each environment, and in the folder beside."""
        yield from self._said(self.release(push.options))
        if self.beside and any(update.ref == self.beside.ref for update in push.updates):
            try:
                self.beside.give()
                yield from self._said(("the folder has these files now",))
            except BurgeeError as error:
                yield from self._said((f"the folder was not updated: {error}",))

    def take_folder(self) -> list[str]:
        """Commit what is saved in the folder beside, unless it has new mistakes, and publish; the lines to say."""
        if self.beside is None:
            return []
        said: list[str] = []
        ref = self.beside.ref

        def accept(commit: str) -> bool:
            verdict = self.judge({ref: commit})
            said.extend(line.replace("push rejected", "not committed") for line in verdict.lines)
            return verdict.accepted

        commit = self.beside.take(accept)
        return [*said, f"saved as commit {commit[:12]}", *self.release()] if commit else said

    def release(self, said: Sequence[str] = ()) -> list[str]:
        """Publish what the repository says now, as the options of a push say; the lines that tell of it."""
        told = self._release(options_of(said, self.options))
        self.told.update(_without_times(told))
        return [line for lines_of_one in told.values() for line in lines_of_one]

    def tick(self) -> None:
        """Publish for the timer, and say what has become of it that was not said before."""
        told = self._release(self.options)
        for name, found in _without_times(told).items():
            if self.told.get(name) != found and "unchanged" not in found[0]:
                for line in told[name]:
                    self.say(f"  {line}")
            self.told[name] = found

    def _release(self, options: Options) -> dict[str, list[str]]:
        """Lines by environment; what went wrong with all of them is under no name."""
        with HostedRepository(self.name, self.bare) as repository, self.publishing:
            try:
                told = {each.environment: lines(each) for each in publish(self._publisher(repository, options))}
            except InvalidFiles as error:
                told = {"": problem_lines(error.problems)}
            except BurgeeError as error:
                told = {"": [str(error)]}
        self.released()
        return told

    def judge(self, moved: Mapping[str, str | None], push: Push | None = None) -> Verdict:
        """The verdict on moving refs (full names to commits, None deletes), whose objects may be in quarantine."""
        quarantine = push.object_directories if push else ()
        options = replace(options_of(push.options if push else (), self.options), dry_run=True)
        with HostedRepository(self.name, self.bare, moved=moved, object_directories=quarantine) as pushed:
            after = self._outcome(pushed, options)
        if not after.faults:
            return Verdict(True)
        with HostedRepository(self.name, self.bare) as present:
            before = self._outcome(present, options)
        introduced = (after.faults - before.faults).total()
        if not introduced:
            return Verdict(True, ("mistakes that were there before remain; their environments stay as they are",))
        things = "thing" if introduced == 1 else "things"
        last = f"push rejected: {introduced} {things} to correct, nothing has changed"
        return Verdict(False, (*map(as_push_options, after.lines), last))

    def _said(self, told: Iterable[str]) -> Iterator[str]:
        """Lines for the one who pushed, and for the one who watches the host."""
        for line in told:
            self.say(f"  {line}")
            yield line

    def _outcome(self, repository: HostedRepository, options: Options) -> _Outcome:
        try:
            receipts = publish(self._publisher(repository, options))
        except InvalidFiles as error:
            return _Outcome(_faults(error.problems), tuple(problem_lines(error.problems)))
        except BurgeeError as error:
            return _Outcome(Counter([(str(error),)]), (str(error),))
        # What a hold or freeze would queue is no mistake of the push.
        faulty = [receipt for receipt in receipts if receipt.is_fault and receipt.outcome != "queued"]
        said = tuple(line for receipt in faulty for line in lines(receipt))
        faults: Counter[Fault] = Counter()
        for receipt in faulty:
            faults |= _faults(receipt.problems) or Counter([(receipt.environment, receipt.outcome)])
        return _Outcome(faults, said)

    def _publisher(self, repository: HostedRepository, options: Options) -> Publisher:
        return Publisher(repository, self.store, self.rim, options, self.built, sealing=self.sealing)


def _without_times(told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Lines without how long it took, which is different each time."""
    return {name: [_TOOK.sub("", line) for line in found] for name, found in told.items() if found}


@dataclass(frozen=True, slots=True)
class _Outcome:
    faults: Counter[Fault]
    lines: tuple[str, ...]


def _faults(problems: Iterable[Problem]) -> Counter[Fault]:
    # Counted, without their lines: the same mistake further down is not a new one, a second one is.
    errors = (problem for problem in problems if problem.severity == "error")
    return Counter((problem.file, problem.code, problem.message) for problem in errors)
