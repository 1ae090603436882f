"""What the shop shows: flags decide, and every decision has a coded default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS = (
    "new-checkout",
    "card-payments",
    "pay-later",
    "checkout-button",
    "one-click-reorder",
    "delivery-promise",
    "vat-display",
    "free-shipping",
    "winter-sale",
    "support-chat",
)


@dataclass(frozen=True)
class Page:
    """One page of the shop, decided but not yet written as HTML."""

    checkout: str
    button: str
    payments: tuple[str, ...]
    delivery: str
    prices: str
    extras: tuple[str, ...]


def decide(answers: Mapping[str, Any]) -> Page:
    """The page for these answers; an empty mapping is what everybody sees while no flags can be had."""
    payments = ["bank transfer"]
    if answers.get("card-payments", True):
        payments.insert(0, "card")
    if answers.get("pay-later", False):
        payments.append("pay later")
    _, button = answers.get("checkout-button", ("", None))
    _, promise = answers.get("delivery-promise", ("", None))
    days = (promise or {}).get("days", 3)
    vat, _ = answers.get("vat-display", ("gross", None))
    return Page(
        checkout="one page" if answers.get("new-checkout", False) else "four steps",
        button=(button or {}).get("text", "Check out"),
        payments=tuple(payments),
        delivery="tomorrow" if days == 1 else f"in {days} days",
        prices="plus VAT" if vat == "net" else "including VAT",
        extras=tuple(text for key, text in _EXTRAS if answers.get(key, False)),
    )


_EXTRAS = (
    ("winter-sale", "Winter sale: 20 % off everything that floats"),
    ("free-shipping", "Free shipping"),
    ("one-click-reorder", "Order again with one click"),
    ("support-chat", "Chat with us"),
)
