"""The pages of the practice that open for a staff member: navigation and start page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.emergency import open_emergencies
from gateway.edge.questions import opens
from gateway.web.bar import bar_of
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Door:
    """A page of the practice; `current` is the value of aria-current, None elsewhere."""

    label: str
    icon: str
    href: str
    note: str
    current: str | None

    @property
    def back(self) -> str:
        """The words of a link that leads here from a refusal."""
        return _("Go to: %(page)s", page=self.label)


_DOORS = (
    (N_("Clients"), "people", "/admin/clients", N_("Who is in care, and who may see what"), ("view", "client")),
    (
        N_("Appointments"),
        "calendar",
        "/admin/appointments",
        N_("Requests, and times on offer"),
        ("view", "appointment"),
    ),
    (N_("Sign-ups"), "check", "/admin/sign-ups", N_("Who asked for a portal"), ("create", "client")),
    (N_("Messages"), "message", "/admin/messages", N_("What families write to you"), ("view", "thread")),
    (N_("Payments"), "invoice", "/admin/payments", N_("Card payments to look at"), ("view", "payment")),
    (N_("Requests"), "info", "/admin/requests", N_("What families ask you to open"), ("update", "grant")),
    (N_("Banner"), "home", "/admin/banner", N_("What families read first"), ("offer", "subscription")),
    (N_("Forms"), "form", "/admin/forms", N_("What families fill in"), ("send", "form")),
    (
        N_("Changes"),
        "calendar",
        "/admin/changes",
        N_("What changes by itself, what if, and the past"),
        ("view", "practice"),
    ),
    (N_("Trail"), "search", "/admin/trail", N_("Who did, saw and changed what, and why"), ("view", "trail")),
    (
        N_("Emergency access"),
        "warning",
        "/admin/emergency",
        N_("For a client in need, with a reason, reviewed afterwards"),
        ("start", "emergency_access"),
    ),
    (N_("Staff"), "people", "/admin/staff", N_("Who works here, and may do what"), ("update", "subscription")),
    (N_("Set-up check"), "check", "/admin/check", N_("What is probably not meant"), ("update", "grant")),
    (
        N_("Import and export"),
        "download",
        "/admin/import",
        N_("Bring people in, or take everything out"),
        ("run", "import"),
    ),
    (N_("Settings"), "settings", "/admin/practice", N_("What the portal of the practice offers"), ("view", "practice")),
)


# Pages that belong to a section though they lie elsewhere.
_ALSO = {
    "/admin/appointments": ("/admin/availability",),
    "/admin/practice": ("/admin/mail", "/admin/bulk"),
}


async def staff_frame(request: Request) -> Mapping[str, Any]:
    """The navigation of the practice's pages."""
    practice = await request.app.state.records.practice(request.state.reader.practice_id)
    name = practice.name if practice else ""
    sections = await _doors(request)
    bar = bar_of(len(sections))
    emergencies, client = await open_emergencies(request), request.state.client
    in_emergency = client is not None and any(one.client_id == client.id for one in emergencies)
    return {
        "emergencies": emergencies,
        # Whoever reads under emergency access may not open the client's own page.
        "client_home": client and f"/admin/clients/{client.id}" + ("/emergency" if in_emergency else ""),
        "home": "/admin",
        "home_label": _("Go to the start page"),
        "brand": name,
        "practice_name": name,
        "sections": sections,
        "bar": bar,
        "more_current": any(section.current for section in sections[bar:]),
        "sections_label": _("Practice"),
    }


async def start(request: Request) -> Response:
    """Where staff land: a link for each page that opens for them."""
    return await page(request, "admin/home.html")


async def _doors(request: Request) -> list[Door]:
    openings = await opens(request, [question for *_, question in _DOORS])
    return [
        Door(_(label), icon, href, _(note), _current(request.url.path, href))
        for (label, icon, href, note, _question), is_open in zip(_DOORS, openings, strict=True)
        if is_open
    ]


def _current(path: str, href: str) -> str | None:
    if path == href:
        return "page"
    return "true" if any(f"{path}/".startswith(f"{folder}/") for folder in (href, *_ALSO.get(href, ()))) else None
