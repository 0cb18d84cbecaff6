"""The page on which a practice sees which of its mails could not be delivered, and has them tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import func, update
from sqlmodel import col, select

from gateway.edge.errors import NotFound
from gateway.mail.post import FAILED, WAITING
from gateway.web.formats import clock_time, day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from models.tables.mail import Mail

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

PAGE_SIZE = 25
HOME = "/admin/mail"


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail that did not arrive, or has not yet; `again` is empty once its content is deleted."""

    recipient: str
    subject: str
    when: str
    reason: str
    is_over: bool
    again: str


async def failures(request: Request) -> Response:
    """Mails given up, and those whose first tries failed, newest first."""
    reader = request.state.reader
    troubled = (col(Mail.practice_id) == reader.practice_id) & (
        (col(Mail.state) == FAILED) | ((col(Mail.state) == WAITING) & (col(Mail.last_error) != ""))
    )

    def read(session: Session) -> tuple[list[Mail], int]:
        begin = (page_number(request) - 1) * PAGE_SIZE
        rows = select(Mail).where(troubled).order_by(col(Mail.id).desc()).limit(PAGE_SIZE).offset(begin)
        return list(session.exec(rows)), session.exec(select(func.count()).select_from(Mail).where(troubled)).one()

    rows, total = await request.app.state.records.read(reader.practice_id, read)
    return await page(
        request,
        "admin/mail.html",
        failures=[_failure(row, reader.zone) for row in rows],
        pages=pages_of(request, total, PAGE_SIZE),
    )


async def try_again(request: Request) -> Response:
    """Put a mail back into the queue."""
    practice_id = request.state.reader.practice_id
    retried = (
        update(Mail)
        .where(
            col(Mail.id) == request.path_params["mail"],
            col(Mail.practice_id) == practice_id,
            col(Mail.state).in_((FAILED, WAITING)),
            col(Mail.content).is_not(None),
        )
        .values(state=WAITING, next_try_at=None, first_tried_at=None, ended_at=None)
    )

    def work(session: Session) -> bool:
        return bool(session.execute(retried).rowcount)  # type: ignore[attr-defined]

    if not await request.app.state.records.change(practice_id, work):
        raise NotFound
    await say(request, _("The mail will be tried again in a moment."))
    return see_other(HOME)


def _failure(row: Mail, zone: str) -> Failure:
    first = row.first_tried_at
    here = None if first is None else first.astimezone(ZoneInfo(zone))
    return Failure(
        recipient=row.recipient,
        subject=str((row.content or {}).get("subject", "")),
        when="" if here is None else f"{day(here.date())}, {clock_time(here)}",
        reason=row.last_error,
        is_over=row.state == FAILED,
        again=f"{HOME}/{row.id}/again" if row.content else "",
    )
