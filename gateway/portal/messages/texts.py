"""What a person typed: cleaned, measured, and told plainly when it cannot be sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.records.files import UploadRefused, uploaded
from gateway.web.language import _
from gateway.web.once import key_of, new_key

if TYPE_CHECKING:
    from starlette.requests import Request

    from gateway.records.files import Upload

TEXT_CHARACTERS_MAX = 10_000
SUBJECT_CHARACTERS_MAX = 120
# What no keyboard types and databases or readers stumble over; line breaks and tabs stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, and the way out."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A form of messages as it was sent; `key` is its one-time key."""

    key: str
    to: str = ""
    subject: str = ""
    text: str = ""
    upload: Upload | None = None
    problems: tuple[Problem, ...] = ()

    def problem(self, field: str) -> str:
        """The sentence beside a field, empty when nothing is wrong with it."""
        return next((each.sentence for each in self.problems if each.field == field), "")


def blank(*, to: str = "", subject: str = "", text: str = "") -> Typed:
    """A form that nobody has filled in, or that begins with what a template or link says."""
    return Typed(new_key(), to, subject, text)


async def read_typed(request: Request, *, with_subject: bool = False) -> Typed:
    """The form of the request, with what is wrong with it."""
    form = await request.form()
    text, subject = body(str(form.get("text", ""))), line(str(form.get("subject", "")))
    problems = [Problem("subject", sentence)] if with_subject and (sentence := _subject_problem(subject)) else []
    if sentence := _text_problem(text):
        problems.append(Problem("text", sentence))
    upload = None
    try:
        upload = await uploaded(request)
    except UploadRefused as error:
        problems.append(Problem("file", str(error)))
    return Typed(
        key=key_of(form, "key"),
        to=str(form.get("to", "")),
        subject=subject,
        text=text,
        upload=upload,
        problems=tuple(problems),
    )


def body(text: str) -> str:
    """A text as it is kept: lines end in one way, no control characters, no blanks after the last word."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n").rstrip()


def line(text: str) -> str:
    """A text of one line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def first_line(text: str, characters: int = 120) -> str:
    """The beginning of a text, for a list."""
    flat = " ".join(text[: 4 * characters].split())
    return flat if len(flat) <= characters else flat[: characters - 1].rstrip() + "…"


def _text_problem(text: str) -> str:
    if not text.strip():
        return _("Please write a message.")
    if len(text) > TEXT_CHARACTERS_MAX:
        return _(
            "This message has %(length)s characters. Please shorten it to %(limit)s, or send it in two parts.",
            length=f"{len(text):,}",
            limit=f"{TEXT_CHARACTERS_MAX:,}",
        )
    return ""


def _subject_problem(subject: str) -> str:
    if not subject:
        return _("Please say in a few words what it is about.")
    if len(subject) > SUBJECT_CHARACTERS_MAX:
        return _(
            "The subject has %(length)s characters. Please shorten it to %(limit)s.",
            length=len(subject),
            limit=SUBJECT_CHARACTERS_MAX,
        )
    return ""
