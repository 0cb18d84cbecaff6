"""Whom a difference touches now, written for people and for machines. Ids only, never names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.workbench.numbers import amount, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authz_service.review.touched import Touched, TouchedRight

_NOT_LOOKED_AT = "staff are not looked at"


def as_body(touched: Touched, listed: int) -> dict[str, Any]:
    """The members of the API's answer; at most `listed` rights, gains first."""
    gains, loses, left = _cut(touched, listed)
    return {
        "accounts": len(touched.accounts),
        "clients": len(touched.clients),
        "items": len(touched.items),
        "gains": [right._asdict() for right in gains],
        "loses": [right._asdict() for right in loses],
        "left_out": left,
        "complete": touched.complete,
    }


def as_text(touched: Touched, listed: int) -> str:
    """Lines for a terminal: numbers, then at most `listed` rights, newly allowed before newly denied."""
    return "\n".join(["", f"TOUCHED NOW: {_summary(touched)}", *_listed(touched, listed)]) + "\n"


def as_markdown(touched: Touched, listed: int) -> str:
    """A section of a comment for a pull request."""
    lines = ["", "### Touched now", "", f"**{_summary(touched)}**"]
    gains, loses, left = _cut(touched, listed)
    for title, rights in (("Gains", gains), ("Loses", loses)):
        if rights:
            lines += ["", f"#### {title}", "", "| account | client | may | items |", "| --- | --- | --- | ---: |"]
            lines += [
                f"| `{right.account_id}` | `{right.client_id}` | {right.action} {_escaped(right.resource_type)} "
                f"| {counted(right.items) if right.items else 'to begin one'} |"
                for right in rights
            ]
    if left:
        lines += ["", f"and {counted(left)} more"]
    return "\n".join(lines) + "\n"


def _listed(touched: Touched, listed: int) -> Iterator[str]:
    gains, loses, left = _cut(touched, listed)
    for title, rights in (("gains", gains), ("loses", loses)):
        for right in rights:
            yield (
                f"  {title}: account {right.account_id} on client {right.client_id}: "
                f"{right.action} {right.resource_type}, {_items(right)}"
            )
    if left:
        yield f"  and {counted(left)} more"


def _cut(touched: Touched, listed: int) -> tuple[Sequence[TouchedRight], Sequence[TouchedRight], int]:
    gains = touched.gains[:listed]
    loses = touched.loses[: listed - len(gains)]
    return gains, loses, touched.rights - len(gains) - len(loses)


def _summary(touched: Touched) -> str:
    if not touched.rights:
        told = f"no account gains or loses anything; {_NOT_LOOKED_AT}"
    else:
        told = (
            f"{amount(len(touched.accounts), 'account')}, {amount(len(touched.clients), 'client')}, "
            f"{amount(len(touched.items), 'item')}; {counted(len(touched.gains))} gained, "
            f"{counted(len(touched.loses))} lost; {_NOT_LOOKED_AT}"
        )
    return told if touched.complete else f"{told}; not every account was looked at"


def _items(right: TouchedRight) -> str:
    return amount(right.items, "item") if right.items else "to begin one"


def _escaped(text: str) -> str:
    return text.replace("_", "\\_")
