"""What libraries say of faults of the network, which are the system's: its words, without the addresses around them."""

from __future__ import annotations

from .visible import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 10


def network_cause(error: BaseException) -> str | None:
    """As `flags.example.org: Connection refused`, None where the system has said nothing.

    No more of an address is shown than its host: the rest may be a proof of who asks.
    """
    host = said = ""
    for each in _down(error):
        # urllib3's errors have one of these, and warn of the other.
        place = getattr(each, "conn", None) or getattr(each, "pool", None)
        host = host or str(getattr(place, "host", ""))
        # Of a certificate's fault, without the name of a line in C.
        said = getattr(each, "verify_message", "") or getattr(each, "strerror", "") or said
    return shortened(f"{host}: {said}" if host else str(said)) if said else None


def without_queries(text: str) -> str:
    """`text` with the query of each address in it cut off, since what one says may be a proof of who asks."""
    return " ".join(_without_query(word) for word in text.split(" "))


def _down(error: BaseException) -> Iterator[BaseException]:
    """The error, and each that the one before it was made of."""
    current: BaseException | None = error
    for _ in range(_MOST):
        if current is None:
            return
        yield current
        current = _below(current)


def _below(error: BaseException) -> BaseException | None:
    """azure-core names it `inner_exception`, urllib3 `reason`, requests has it for its argument."""
    named = (getattr(error, "inner_exception", None), getattr(error, "reason", None), *error.args[:1])
    return next((each for each in named if isinstance(each, BaseException)), error.__cause__)


def _without_query(word: str) -> str:
    address, _, query = word.partition("?")
    return address if query else word
