"""The reviewer's pages: their navigation and start page. Nothing of any client stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.questions import opens
from gateway.web.bar import current_of, navigation
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

HOME = "/review"


@dataclass(frozen=True, slots=True)
class Door:
    """A section of the review; `current` is the value of aria-current, None elsewhere."""

    label: str
    icon: str
    href: str
    note: str
    current: str | None

    @property
    def back(self) -> str:
        """The words of a link that leads here from a refusal."""
        return _("Go to: %(page)s", page=self.label)


# Name, icon, where it is, what it is for, and what it takes to open it; the first ones stand in a phone's bar.
_DOORS = (
    (N_("Policy"), "document", "/review/files", N_("Every rule, with what it reads and decides"), ("view", "policy")),
    (N_("Matrix"), "check", "/review/matrix", N_("Who may do what, under which conditions"), ("view", "policy")),
    (N_("Diagrams"), "search", "/review/diagrams", N_("One question drawn: turn the facts"), ("view", "policy")),
    (N_("Proofs"), "lock", "/review/proofs", N_("What holds in every situation"), ("view", "policy")),
    (N_("Versions"), "calendar", "/review/versions", N_("What served, serves and waits"), ("view", "policy")),
    (N_("Playground"), "settings", "/review/playground", N_("Try a change on a copy"), ("run", "policy")),
    (N_("Trail"), "info", "/review/trail", N_("Records, and whether any was touched"), ("view", "trail")),
)


# Pages of a section that are not below it.
_BESIDE = {"/review/files": ("/review/rules", "/review/facts")}


def in_review(request: Request) -> bool:
    """Whether this is a page of the review."""
    return f"{request.url.path}/".startswith(f"{HOME}/")


async def review_frame(request: Request) -> Mapping[str, Any]:
    """The navigation of the review."""
    practice = await request.app.state.records.practice(request.state.reader.practice_id)
    name = practice.name if practice else ""
    openings = await opens(request, [question for *_rest, question in _DOORS])
    path = request.url.path
    sections = [
        Door(_(label), icon, href, _(note), current_of(path, href, *_BESIDE.get(href, ())))
        for (label, icon, href, note, _question), is_open in zip(_DOORS, openings, strict=True)
        if is_open
    ]
    shown = navigation(sections, home=HOME, brand=_("Policy review"), practice_name=name, label=_("Review"))
    return {**shown, "emergencies": []}


async def start(request: Request) -> Response:
    """Where a reviewer begins: a link for each section that opens."""
    return await page(request, "review/home.html")
