"""The pages of the practice that open for a staff member: navigation and start page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.questions import opens
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
        return f"Go to {self.label.lower()}"


_DOORS = (
    ("Clients", "people", "/admin/clients", "Who is in care, and who may see what", ("view", "client")),
    (
        "Appointments",
        "calendar",
        "/admin/appointments",
        "Requests, and times on offer",
        ("view", "appointment"),
    ),
    ("Sign-ups", "check", "/admin/sign-ups", "Who asked for a portal", ("create", "client")),
    ("Messages", "message", "/admin/messages", "What families write to you", ("view", "thread")),
    ("Payments", "invoice", "/admin/payments", "Card payments to look at", ("view", "payment")),
    ("Requests", "info", "/admin/requests", "What families ask you to open", ("update", "grant")),
    ("Banner", "home", "/admin/banner", "What families read first", ("offer", "subscription")),
    ("Forms", "form", "/admin/forms", "What families fill in", ("send", "form")),
    ("Settings", "settings", "/admin/practice", "What the portal of the practice offers", ("view", "practice")),
)


async def staff_frame(request: Request) -> Mapping[str, Any]:
    """The navigation of the practice's pages."""
    practice = await request.app.state.records.practice(request.state.reader.practice_id)
    name = practice.name if practice else ""
    return {
        "home": "/admin",
        "home_label": "Go to the start",
        "brand": name,
        "practice_name": name,
        "sections": await _doors(request),
        "sections_label": "Practice",
    }


async def start(request: Request) -> Response:
    """Where staff land: a link for each page that opens for them."""
    return await page(request, "admin/home.html")


async def _doors(request: Request) -> list[Door]:
    openings = await opens(request, [question for *_, question in _DOORS])
    path = request.url.path
    return [
        Door(label, icon, href, note, "page" if path == href else "true" if path.startswith(href + "/") else None)
        for (label, icon, href, note, _), is_open in zip(_DOORS, openings, strict=True)
        if is_open
    ]
