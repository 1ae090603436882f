"""What a token is for: pairs of environment and namespace, either of which may be any.

Law: whether something is in scope is decided by its name alone, so that nobody learns what exists outside of theirs.
"""

from __future__ import annotations

ANY = "*"


class Scopes(frozenset[tuple[str, str]]):
    """A set of (environment, namespace); `*` stands for any."""

    __slots__ = ()

    def hold(self, environment: str, namespace: str) -> bool:
        """Whether flags of this namespace in this environment may be asked for."""
        return not self.isdisjoint(
            ((environment, namespace), (environment, ANY), (ANY, namespace), (ANY, ANY)),
        )

    def hold_some_of(self, environment: str) -> bool:
        """Whether some namespace of this environment may be asked for."""
        return any(name in (environment, ANY) for name, _ in self)

    def hold_somewhere(self, namespace: str) -> bool:
        """Whether this namespace may be asked for in some environment."""
        return any(name in (namespace, ANY) for _, name in self)

    def __str__(self) -> str:
        """As an entry of tokens has them: `production/checkout staging/*`; nothing when they are everything."""
        if self == EVERYTHING:
            return ""
        return " ".join(f"{environment}/{namespace}" for environment, namespace in sorted(self))


EVERYTHING = Scopes([(ANY, ANY)])
