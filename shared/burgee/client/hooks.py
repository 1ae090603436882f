"""The application's hooks: what they are told, and that nothing they raise gets in the way."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Change = namedtuple("Change", "environment before after digest flags")
Change.__doc__ = """Another release answers: `before` (None for the first) and `after` are revisions, `digest` names
the bundle.

`flags` maps a namespace to the sorted keys of the flags that may answer otherwise: new, gone, or changed themselves or
in a segment they use."""

Hooks = namedtuple("Hooks", "on_change on_status", defaults=(None, None))
Hooks.__doc__ = """Who wants to be told: of a Change; and of the Status after each look, or once it has become stale."""


def call_hook(name: str, hook: Callable[[Any], object] | None, told: Any) -> None:
    """Tell a hook, if there is one; what it raises is logged."""
    if hook is not None:
        try:
            hook(told)
        except Exception:
            log_fault(name)


def log_fault(hook: str) -> None:
    """Log what a user's hook raised: it is their mistake to see, and no reason to fail an evaluation."""
    from logging import getLogger

    getLogger("burgee.client").exception("the hook %s failed", hook)
