"""Mail, for whoever sends one: `post(session, letter("invitation", to, language, url=...), practice_id=...)`.

A mail is written in the caller's transaction and delivered later by `gateway.mail.delivery`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.mail.address import mailbox, one_line
from gateway.mail.twin import bare, guarded, make_twin
from gateway.web.language import LANGUAGES, catalogue, speaking
from models.tables.mail import Mail

if TYPE_CHECKING:
    from sqlmodel import Session

SUBJECT_CHARACTERS_MAX = 200
WAITING, SENT, FAILED = "waiting", "sent", "failed"  # states of a mail
TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "mail"
_WORDS = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=False,  # noqa: S701 - plain text; the HTML twin escapes every line.
    auto_reload=False,
    undefined=StrictUndefined,
    finalize=guarded,  # Only the template itself can hold signs, not what is filled in.
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
_WORDS.install_gettext_callables(  # type: ignore[attr-defined]
    lambda text: catalogue().gettext(text),
    lambda one, many, number: catalogue().ngettext(one, many, number),
    newstyle=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, in words. `to` is an address, with or without a name; `unsubscribe` a link that ends such mails.

    ValueError for an address that mail cannot be sent to. Whatever the subject holds becomes one line.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    unsubscribe: str | None = None

    def __post_init__(self) -> None:
        mailbox(self.to)
        object.__setattr__(self, "subject", one_line(self.subject)[:SUBJECT_CHARACTERS_MAX])


def letter(name: str, to: str, language: str, /, *, unsubscribe: str | None = None, **values: object) -> Letter:
    """The mail of `templates/mail/<name>.txt` in a language.

    Its first line is `Subject: ...`, then an empty line, then what `gateway.mail.twin` reads. Values may hold anything:
    they are shown as they are and never make a header, a heading or a button. A button is a line of its own:
    `[{{ _("Log in") }}]({{ url }})`, with the whole URL (`settings.public_url` and the path).
    """
    with speaking(language):
        head, _, body = _WORDS.get_template(f"{name}.txt").render(values).partition("\n")
    if not head.startswith("Subject:"):
        raise ValueError(f"templates/mail/{name}.txt: the first line must begin with Subject:")
    subject = bare(head.removeprefix("Subject:"))
    twin = make_twin(body, language if language in LANGUAGES else "en")
    return Letter(to=to, subject=subject, text=twin.text, html=twin.html, unsubscribe=unsubscribe)


def post(session: Session, letter: Letter, *, practice_id: str | None = None) -> None:
    """Have a letter sent once the transaction is committed.

    The mail belongs to the practice of the transaction (`store.change(practice_id, ...)`), whose staff see when it
    cannot be delivered, or to none. ValueError when `practice_id` names another.
    """
    owner: str | None = session.info.get("practice_id", practice_id)
    if practice_id is not None and practice_id != owner:
        raise ValueError(f"a mail of {practice_id} is posted in a transaction of {practice_id}, not of {owner}")
    content = {
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "unsubscribe": letter.unsubscribe,
    }
    session.add(Mail(id=ordered_id(), practice_id=owner, recipient=letter.to, content=content, state=WAITING))


def ordered_id() -> str:
    """A new id of 32 hexadecimal digits that sorts after those made before."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"
