"""Whom a difference touches now, written for people and for machines. Ids only, never names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.workbench.numbers import amount, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authz_service.review.touched import Touched, TouchedRight
    from authz_service.review.touched_staff import TouchedStaff

_ACCOUNTS = "| account | client | may | items |\n| --- | --- | --- | ---: |"
_STAFF = "| staff member | may | clients | items |\n| --- | --- | ---: | ---: |"


class _Cut(NamedTuple):
    """The rows that are listed, and how many are not."""

    gains: Sequence[TouchedRight]
    loses: Sequence[TouchedRight]
    staff_gains: Sequence[TouchedStaff]
    staff_loses: Sequence[TouchedStaff]
    left: int


def as_body(touched: Touched, listed: int) -> dict[str, Any]:
    """The members of the API's answer; at most `listed` rights, gains first."""
    cut = _cut(touched, listed)
    return {
        "accounts": len(touched.accounts),
        "staff": len(touched.staff),
        "clients": len(touched.clients),
        "items": len(touched.items),
        "gains": [right._asdict() for right in cut.gains],
        "loses": [right._asdict() for right in cut.loses],
        "staff_gains": [right._asdict() for right in cut.staff_gains],
        "staff_loses": [right._asdict() for right in cut.staff_loses],
        "left_out": cut.left,
        "complete": touched.complete,
    }


def as_text(touched: Touched, listed: int) -> str:
    """Lines for a terminal: numbers, then at most `listed` rights, newly allowed before newly denied."""
    return "\n".join(["", f"TOUCHED NOW: {_summary(touched)}", *_listed(touched, listed)]) + "\n"


def as_markdown(touched: Touched, listed: int) -> str:
    """A section of a comment for a pull request."""
    lines = ["", "### Touched now", "", f"**{_summary(touched)}**"]
    cut = _cut(touched, listed)
    for title, rights, of_staff in (("Gains", cut.gains, cut.staff_gains), ("Loses", cut.loses, cut.staff_loses)):
        if rights or of_staff:
            lines += ["", f"#### {title}"]
        if rights:
            lines += ["", _ACCOUNTS]
            lines += [
                f"| `{right.account_id}` | `{right.client_id}` | {right.action} {_escaped(right.resource_type)} "
                f"| {counted(right.items) if right.items else 'to begin one'} |"
                for right in rights
            ]
        if of_staff:
            lines += ["", _STAFF]
            lines += [
                f"| `{right.staff_id}` | {right.action} {_escaped(right.resource_type)} "
                f"| {counted(right.clients) if right.clients else 'the practice as such'} "
                f"| {counted(right.items) if right.items else ''} |"
                for right in of_staff
            ]
    if cut.left:
        lines += ["", f"and {counted(cut.left)} more"]
    return "\n".join(lines) + "\n"


def _listed(touched: Touched, listed: int) -> Iterator[str]:
    cut = _cut(touched, listed)
    for title, rights, of_staff in (("gains", cut.gains, cut.staff_gains), ("loses", cut.loses, cut.staff_loses)):
        for right in rights:
            yield (
                f"  {title}: account {right.account_id} on client {right.client_id}: "
                f"{right.action} {right.resource_type}, {_items(right)}"
            )
        for each in of_staff:
            yield f"  {title}: staff member {each.staff_id}: {each.action} {each.resource_type}, {_reach(each)}"
    if cut.left:
        yield f"  and {counted(cut.left)} more"


def _cut(touched: Touched, listed: int) -> _Cut:
    """Accounts and staff have half of the list each, and what the other leaves free."""
    of_accounts, of_staff = (
        len(touched.gains) + len(touched.loses),
        len(touched.staff_gains) + len(touched.staff_loses),
    )
    accounts = min(of_accounts, max(listed - of_staff, (listed + 1) // 2))
    staff = listed - accounts
    gains, staff_gains = touched.gains[:accounts], touched.staff_gains[:staff]
    loses, staff_loses = touched.loses[: accounts - len(gains)], touched.staff_loses[: staff - len(staff_gains)]
    left = touched.rights - len(gains) - len(loses) - len(staff_gains) - len(staff_loses)
    return _Cut(gains, loses, staff_gains, staff_loses, left)


def _summary(touched: Touched) -> str:
    if not touched.rights:
        told = "nobody gains or loses anything"
    else:
        told = (
            f"{amount(len(touched.accounts), 'account')}, {amount(len(touched.staff), 'staff member')}, "
            f"{amount(len(touched.clients), 'client')}, {amount(len(touched.items), 'item')}; "
            f"{counted(len(touched.gains) + len(touched.staff_gains))} gained, "
            f"{counted(len(touched.loses) + len(touched.staff_loses))} lost"
        )
    return told if touched.complete else f"{told}; not everybody was looked at"


def _items(right: TouchedRight) -> str:
    return amount(right.items, "item") if right.items else "to begin one"


def _reach(right: TouchedStaff) -> str:
    if not right.clients:
        return "for the practice as such"
    return amount(right.clients, "client") + (f", {amount(right.items, 'item')}" if right.items else "")


def _escaped(text: str) -> str:
    return text.replace("_", "\\_")
