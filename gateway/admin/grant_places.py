"""The further pages about one person's access: what they see, two side by side, the safety block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.questions import may
from gateway.web.language import N_, _
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_LOOK = "/admin/as/"
# Name, icon, where it is (account, client and grant are filled in), what it takes to open it, and what it is for.
_PLACES = (
    (
        N_("See what they see"),
        "people",
        "/admin/as/{account}/c/{client}",
        ("view", "grant"),
        N_("The portal with their eyes, to read only"),
    ),
    (
        N_("Compare with another person"),
        "copy",
        "/admin/clients/{client}/compare?a={account}",
        ("view", "grant"),
        N_("Side by side, with the differences marked"),
    ),
    (
        N_("What if"),
        "search",
        "/admin/clients/{client}/grants/{grant}/what-if",
        ("update", "grant"),
        N_("Suppose a change, and see whom it would reach"),
    ),
    (
        N_("Hand over"),
        "leave",
        "/admin/clients/{client}/grants/{grant}/hand-over",
        ("update", "grant"),
        N_("All of their clients to a successor, on one day"),
    ),
    (
        N_("Safety block"),
        "lock",
        "/admin/clients/{client}/grants/{grant}/block",
        ("view", "block"),
        N_("For a reasonable belief of danger; they never learn of it"),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A further page about the access."""

    label: str
    icon: str
    href: str
    note: str

    @property
    def looks(self) -> bool:
        """Whether it is the portal with the person's eyes, which stands first on their page."""
        return self.href.startswith(_LOOK)


async def grant_places(request: Request, grant: Mapping[str, Any]) -> list[Place]:
    """The further pages that open for the reader."""
    openings = await may(request, [(action, kind, {}) for *_rest, (action, kind), _note in _PLACES])
    ids = {"account": grant["account_id"], "client": grant["client_id"], "grant": grant["id"]}
    active = grant["status"] == GrantStatus.ACTIVE.value  # Whoever has no access sees nothing that could be looked at.
    return [
        Place(_(label), icon, path.format(**ids), _(note))
        for (label, icon, path, _question, note), is_open in zip(_PLACES, openings, strict=True)
        if is_open and (active or not path.startswith(_LOOK))
    ]
