"""How long before an appointment a practice wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.web.language import ngettext

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Notice:
    """The practice's notice, in hours."""

    hours: int

    @property
    def span(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(hours=self.hours)

    @property
    def words(self) -> str:
        """24 hours, or 3 days where that says the same."""
        if self.hours > 24 and self.hours % 24 == 0:
            return ngettext("%(num)s day", "%(num)s days", self.hours // 24)
        return ngettext("%(num)s hour", "%(num)s hours", self.hours)


async def notice_of(request: Request) -> Notice:
    """The notice of the practice of the client in view; the policy reads the same one."""
    practice = await request.app.state.authz.practice(request.state.client.practice_id)
    return Notice(int(practice["notice_hours"]))
