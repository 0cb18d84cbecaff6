"""The pages of the practice that open for a staff member: navigation and start page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.emergency_view import open_emergencies
from gateway.edge.questions import opens
from gateway.web.bar import current_of, navigation
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Door:
    """A page of the practice; `current` is the value of aria-current, None elsewhere; `first` begins a group."""

    group: str
    first: bool
    label: str
    icon: str
    href: str
    note: str
    current: str | None

    @property
    def back(self) -> str:
        """The words of a link that leads here from a refusal."""
        return _("Go to: %(page)s", page=self.label)


_DAILY, _FAMILIES = N_("Every day"), N_("What families read and fill in")
_OVERSIGHT, _PRACTICE = N_("Access over time"), N_("The practice")
# Group, name, icon, where it is, what it is for, and what it takes to open it; the first ones stand in a phone's bar.
_DOORS = (
    (_DAILY, N_("Clients"), "people", "/admin/clients", N_("Who is in care, and who may see what"), ("view", "client")),
    (
        _DAILY,
        N_("Appointments"),
        "calendar",
        "/admin/appointments",
        N_("Requests, and times on offer"),
        ("view", "appointment"),
    ),
    (_DAILY, N_("Messages"), "message", "/admin/messages", N_("What families write to you"), ("view", "thread")),
    (_DAILY, N_("Requests"), "info", "/admin/requests", N_("What families ask you to open"), ("update", "grant")),
    (_DAILY, N_("Sign-ups"), "mail", "/admin/sign-ups", N_("Who asked for a portal"), ("create", "client")),
    (_DAILY, N_("Payments"), "invoice", "/admin/payments", N_("Card payments to look at"), ("view", "payment")),
    (_FAMILIES, N_("Forms"), "form", "/admin/forms", N_("What families fill in"), ("send", "form")),
    (_FAMILIES, N_("Banner"), "home", "/admin/banner", N_("What families read first"), ("offer", "subscription")),
    (
        _OVERSIGHT,
        N_("Set-up check"),
        "check",
        "/admin/check",
        N_("What is probably not meant"),
        ("update", "grant"),
    ),
    (
        _OVERSIGHT,
        N_("Changes"),
        "calendar",
        "/admin/changes",
        N_("What changes by itself, what if, and the past"),
        ("view", "practice"),
    ),
    (
        _OVERSIGHT,
        N_("Trail"),
        "search",
        "/admin/trail",
        N_("Who did, saw and changed what, and why"),
        ("view", "trail"),
    ),
    (
        _OVERSIGHT,
        N_("Policy review"),
        "lock",
        "/review",
        N_("The rules behind every decision, for who reviews them"),
        ("view", "policy"),
    ),
    (
        _OVERSIGHT,
        N_("Emergency access"),
        "warning",
        "/admin/emergency",
        N_("For a client in need, with a reason, reviewed afterwards"),
        ("start", "emergency_access"),
    ),
    (
        _PRACTICE,
        N_("Staff"),
        "people",
        "/admin/staff",
        N_("Who works here, and may do what"),
        ("update", "subscription"),
    ),
    (
        _PRACTICE,
        N_("Import and export"),
        "download",
        "/admin/import",
        N_("Bring people in, or take everything out"),
        ("run", "import"),
    ),
    (
        _PRACTICE,
        N_("Settings"),
        "settings",
        "/admin/practice",
        N_("What the portal of the practice offers"),
        ("view", "practice"),
    ),
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
    emergencies, client = await open_emergencies(request), request.state.client
    in_emergency = client is not None and any(one.client_id == client.id for one in emergencies)
    return {
        **navigation(sections, home="/admin", brand=name, practice_name=name, label=_("Practice")),
        "emergencies": emergencies,
        # Whoever reads under emergency access may not open the client's own page.
        "client_home": client and f"/admin/clients/{client.id}" + ("/emergency" if in_emergency else ""),
    }


async def start(request: Request) -> Response:
    """Where staff land: a link for each page that opens for them."""
    return await page(request, "admin/home.html")


async def _doors(request: Request) -> list[Door]:
    openings = await opens(request, [question for *_rest, question in _DOORS])
    doors: list[Door] = []
    for (group, label, icon, href, note, _question), is_open in zip(_DOORS, openings, strict=True):
        if is_open:
            first = bool(doors) and doors[-1].group != _(group)
            current = current_of(request.url.path, href, *_ALSO.get(href, ()))
            doors.append(Door(_(group), first, _(label), icon, href, _(note), current))
    return doors
