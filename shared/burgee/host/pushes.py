"""What a push to the hosted repository does: it is checked before it is taken, and published after.

Law: a push that introduces a mistake is rejected; one that only leaves mistakes where they were is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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

# What `git push -o` may say: let more than half of the flags, or an environment, go.
ALLOW_REMOVAL = "allow-removal"
Fault = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether moving refs would introduce no mistake, and the lines to say."""

    accepted: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pushes:
    """Checks and publishes what comes into one repository, by pushes or from the folder `beside` it.

    `released` is called after every publish, one of which runs at a time; `say` shows a line at the host.
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

    def check(self, push: Push) -> Generator[str, None, bool]:
        """The lines of a pre-receive hook, and whether the push is taken."""
        refusal = _refusal(push.options) or (self.beside.refusal(push) if self.beside else None)
        moved = {update.ref: update.new for update in push.updates}
        verdict = Verdict(False, (refusal,)) if refusal else self.judge(moved, push)
        yield from self._said(verdict.lines)
        return verdict.accepted

    def publish(self, push: Push) -> Iterator[str]:
        """The lines of a post-receive hook: what happened in each environment, and in the folder beside."""
        yield from self._said(self.release(allow_removal=ALLOW_REMOVAL in push.options))
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

    def release(self, *, allow_removal: bool = False) -> list[str]:
        """Publish what the repository says now; the lines that tell of it."""
        options = replace(self.options, allow_removal=allow_removal)
        with HostedRepository(self.name, self.bare) as repository, self.publishing:
            try:
                said = [line for receipt in publish(self._publisher(repository, options)) for line in lines(receipt)]
            except InvalidFiles as error:
                said = problem_lines(error.problems)
            except BurgeeError as error:
                said = [str(error)]
        self.released()
        return said

    def judge(self, moved: Mapping[str, str | None], push: Push | None = None) -> Verdict:
        """The verdict on moving refs (full names to commits, None deletes), whose objects may be in quarantine."""
        allow_removal = push is not None and ALLOW_REMOVAL in push.options
        quarantine = push.object_directories if push else ()
        options = replace(self.options, allow_removal=allow_removal, dry_run=True)
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
        said = (line.replace("publish with --allow-removal", f"`git push -o {ALLOW_REMOVAL}`") for line in after.lines)
        return Verdict(False, (*said, last))

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


def _refusal(options: Sequence[str]) -> str | None:
    unknown = [option for option in options if option != ALLOW_REMOVAL]
    return f"push rejected: unknown push option {unknown[0]!r}; there is {ALLOW_REMOVAL!r}" if unknown else None


@dataclass(frozen=True, slots=True)
class _Outcome:
    faults: Counter[Fault]
    lines: tuple[str, ...]


def _faults(problems: Iterable[Problem]) -> Counter[Fault]:
    # Counted, without their lines: the same mistake further down is not a new one, a second one is.
    errors = (problem for problem in problems if problem.severity == "error")
    return Counter((problem.file, problem.code, problem.message) for problem in errors)
