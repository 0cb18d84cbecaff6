"""A staff member's look at a family's pages: what is asked of the account is asked of the staff member too.

The account's questions are put at a time (`context.at`), so that the trail marks them as a look and not as the
family's own; nothing of the account's is made or changed. What only the account may see is counted, never shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.edge.authz_client import Asking
from gateway.web.language import ngettext

if TYPE_CHECKING:
    import asyncio

    from starlette.requests import Request

    from gateway.edge.authz_client import Plan
    from gateway.edge.reader import Reader

AMR = ("pwd", "otp")  # as after the strongest sign-in that a practice asks of families
_OWN = frozenset({"view", "print", "download"})  # what the staff member must be allowed in their own name
_PAGES = frozenset({"profile", "calendar"})  # shown as a whole: no row, yet something to read


@dataclass(slots=True)
class Viewing:
    """The staff member behind the page; `account` is whose eyes they borrow, `closed` what is not shown, by type."""

    staff: Reader
    account_id: str
    client_id: str
    name: str
    grant_id: str
    at: str
    closed: Counter[str] = field(default_factory=Counter)
    plans: dict[tuple[str, str], asyncio.Future[Plan]] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """What is left out of the page, in words."""
        return [_left_out(kind, self.name, count) for kind, count in sorted(self.closed.items()) if count > 0]

    @property
    def asking(self) -> Asking:
        """The staff member as the subject of questions: in their own name, now."""
        return Asking(self.staff.subject, self.staff.amr, self.staff.password_change_due)


def _left_out(resource_type: str, name: str, count: int) -> str:
    if resource_type == "thread":
        return ngettext(
            "%(name)s sees a conversation here that you may not read.",
            "%(name)s sees %(count)s conversations here that you may not read.",
            count,
            name=name,
            count=count,
        )
    return ngettext(
        "%(name)s sees something here that you may not read.",
        "%(name)s sees %(count)s things here that you may not read.",
        count,
        name=name,
        count=count,
    )


def staff_action(action: str) -> str:
    """What the staff member must be allowed to do with something to be shown it."""
    return action if action in _OWN else "view"


def shows(resource_type: str, about: Any) -> bool:
    """Whether a yes to a question about this puts something of the client's on the page."""
    return resource_type in _PAGES or hasattr(about, "client_id")


def viewing_of(request: Request) -> Viewing | None:
    """The look that this request is, or None."""
    found: Viewing | None = getattr(request.state, "viewing", None)
    return found
