"""A letter as the message that goes over the wire (RFC 5322), always the same for the same mail."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from gateway.mail.address import mailbox

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.mail.post import Letter

_POLICY = policy.SMTP.clone(cte_type="7bit", utf8=False, raise_on_defect=True)


def make_message(letter: Letter, *, mail_id: str, sender: str, dated: datetime) -> EmailMessage:
    """The message; `mail_id` and `dated` do not change between tries, so that a repetition can be told as one."""
    author = mailbox(sender)
    message = EmailMessage(_POLICY)
    message["From"] = author
    message["To"] = mailbox(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(dated)
    message["Message-ID"] = f"<{mail_id}@{author.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice should answer.
    if letter.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"  # RFC 2369
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(letter.text, cte="quoted-printable")
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message
