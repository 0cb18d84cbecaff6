"""The mailbox of the demo: what would have been sent, for anyone to read. It does not exist in production."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from anyio import to_thread

from gateway.edge.errors import NotFound
from gateway.mail.carriers import mail_folder
from gateway.web.formats import clock_time, day
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of

if TYPE_CHECKING:
    from email.message import EmailMessage, Message
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

PAGE_SIZE = 25
_NAME = re.compile(r"[0-9a-f]{32}")
_LINK = re.compile(r"(https?://[^\s<>\"]+)")


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail in the list."""

    href: str
    to: str
    subject: str
    when: str


async def mailbox(request: Request) -> Response:
    """The newest mails first; `?to=dana` keeps those to addresses with `dana` in them."""
    folder = _folder(request)
    wanted = request.query_params.get("to", "").strip().lower()
    rows = await to_thread.run_sync(_rows, folder, wanted)
    begin = (page_number(request) - 1) * PAGE_SIZE
    return await page(
        request,
        "mail/mailbox.html",
        wanted=wanted,
        mails=rows[begin : begin + PAGE_SIZE],
        total=len(rows),
        pages=pages_of(request, len(rows), PAGE_SIZE),
    )


async def mail(request: Request) -> Response:
    """One mail: its text, with the links that can be followed. Its HTML is not shown."""
    name = request.path_params["mail"]
    path = _folder(request) / f"{name}.eml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    message: EmailMessage = message_from_bytes(await to_thread.run_sync(path.read_bytes), policy=policy.default)
    body = message.get_body(("plain",))
    text = "" if body is None else str(body.get_content())
    return await page(
        request,
        "mail/mail.html",
        subject=_subject(message),
        to=str(message["To"]),
        sender=str(message["From"]),
        when=_when(message),
        # Odd parts are links.
        parts=list(enumerate(_LINK.split(text))),
    )


def _folder(request: Request) -> Path:
    settings = request.app.state.settings
    if settings.profile != "demo" or settings.smtp_url:
        raise NotFound
    return mail_folder(settings)


def _rows(folder: Path, wanted: str) -> list[MailRow]:
    parser, rows = BytesHeaderParser(policy=policy.default), []
    for path in sorted(folder.glob("*.eml"), reverse=True):
        with path.open("rb") as file:
            message = parser.parse(file)
        to = str(message["To"])
        if wanted in to.lower():
            rows.append(MailRow(f"/demo/mailbox/{path.stem}", to, _subject(message), _when(message)))
    return rows


def _subject(message: Message) -> str:
    return str(message["Subject"]).strip() or _("Without a subject")


def _when(message: Message) -> str:
    dated = parsedate_to_datetime(str(message["Date"]))
    return f"{day(dated.date())}, {clock_time(dated)} UTC"
