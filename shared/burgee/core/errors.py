"""The one family of errors, and Problem: one mistake in authored files.

Law: bases end in `Error`, leaves are named by the fact. Each class carries the `status` an HTTP answer gives it
and the `exit_code` the command line ends with (1 the files are wrong, 2 usage, 3 store or network).
A message says what was wanted, what was there, where and what to do; lower case, no full stop.
"""

from .visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
else:
    from .records import namedtuple


class BurgeeError(Exception):
    """Base of everything burgee raises on purpose; `str(error)` is the message for a user."""

    status = 500
    exit_code = 3


class RequestError(BurgeeError):
    """The caller asked for something that cannot be answered as asked."""

    status = 400
    exit_code = 2


class InvalidRequest(RequestError):
    """A request or an argument has the wrong shape."""


class NotJson(InvalidRequest):
    """A request's body is not JSON."""


class InvalidContext(InvalidRequest):
    """A context holds what has no text: a list, an object, a number that is not finite."""


class TargetingKeyMissing(InvalidRequest):
    """The answer depends on who asks, and that was not said."""

    def __init__(self) -> None:
        super().__init__("the answer depends on who asks: wanted an entity id (OpenFeature: a targeting key), got none")


class FlagNotFound(RequestError):
    """No such flag in the namespace."""

    status = 404

    def __init__(self, namespace: str, flag: str) -> None:
        super().__init__(f'flag "{namespace}/{flag}" not found' if flag else f'flag "{namespace}" not found')


class NamespaceNotFound(RequestError):
    """No such namespace in the snapshot."""

    status = 404

    def __init__(self, namespace: str) -> None:
        super().__init__(f'namespace "{namespace}" not found')


class SnapshotNotFound(RequestError):
    """No such namespace to make a client snapshot of."""

    status = 404

    def __init__(self, namespace: str) -> None:
        super().__init__(f'evaluation snapshot for namespace "{namespace}" not found')


class EnvironmentNotFound(RequestError):
    """No such environment in the store."""

    status = 404


class WrongFlagType(RequestError):
    """The flag exists but is of the other type."""

    def __init__(self, actual_type: str) -> None:
        super().__init__(f"flag type {actual_type} invalid")


class UnknownConstraintType(RequestError):
    """A constraint's type is none of the five; a server fails the whole evaluation then."""

    def __init__(self) -> None:
        super().__init__("unknown constraint type")


class Unauthenticated(RequestError):
    """No token, or one that is not known."""

    status = 401


class Forbidden(RequestError):
    """The token is known, but not for what was asked."""

    status = 403


class Replayed(RequestError):
    """The request is one that was taken before, or long after its time."""

    status = 409


class ContentError(BurgeeError):
    """Bytes that were read do not mean what they should."""


class DigestMismatch(ContentError):
    """Bytes do not have the digest they were asked for by."""


class InvalidDocument(ContentError):
    """Bytes are not a document, manifest, release or head of this format."""


class Untrusted(ContentError):
    """Bytes are not signed by a key that is believed, no longer hold, or are of another repository."""


class TooLarge(ContentError):
    """A file or a tree is larger than its reader allows."""

    status = 413
    exit_code = 1


class StoreError(BurgeeError):
    """A store or a server behind it did not do what was asked."""

    status = 503


class NotFound(StoreError):
    """The object does not exist."""

    status = 404


class Conflict(StoreError):
    """A conditional write lost: somebody else wrote first."""

    status = 409


class Unavailable(StoreError):
    """The store, repository or network did not answer, or answered with a fault that may pass."""


class Denied(StoreError):
    """The store or repository refused our credentials."""


class GitFailed(StoreError):
    """A git command ended with an error."""


class NotReady(StoreError):
    """There is no release to answer from yet."""


class Outdated(NotReady):
    """What there is to answer from is older than whoever asks would have it."""


class Unfit(StoreError):
    """The store does not keep what burgee relies on: it cannot be published to."""

    exit_code = 1


class ConfigurationError(BurgeeError):
    """A setting, an address or an extra is missing or wrong."""

    exit_code = 2


class RefusedError(BurgeeError):
    """A guard refused a publish that would do harm."""

    status = 409
    exit_code = 1


class Problem(namedtuple("Problem", "file line column path severity code message hint", defaults=("",))):
    """One mistake in authored files.

    `file` is relative to the repository root; `line` and `column` are 1-based (0 when the whole file is meant);
    `path` is the place inside the document, as `flags.0.rules.1.segment`; `severity` is `error` or `warning`;
    `code` is a stable kebab-case name of the rule; `hint` says what to do, or is empty.
    """

    __slots__ = ()

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return visible(f"{self.file}:{self.line}:{self.column}: {self.message}{hint}")


class InvalidFiles(BurgeeError):
    """Authored files have mistakes; `problems` lists every one of them."""

    status = 422
    exit_code = 1

    def __init__(self, problems: "tuple[Problem, ...]") -> None:
        self.problems = tuple(problems)
        errors = sum(problem.severity == "error" for problem in self.problems)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''} in the files")
