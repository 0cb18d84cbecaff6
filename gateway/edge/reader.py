"""Who reads, and for whom: what every handler finds on `request.state`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.tables.records import Client, Practice
    from models.vocabulary import Kind, SubjectType


@dataclass(frozen=True, slots=True)
class Reader:
    """The signed-in person. `practice_id` and `zone` belong to staff; families span practices."""

    type: SubjectType
    id: str
    name: str
    practice_id: str | None
    zone: str | None
    amr: tuple[str, ...]
    password_change_due: bool = False

    @property
    def subject(self) -> Mapping[str, str]:
        """The AuthZEN subject."""
        return {"type": self.type.value, "id": self.id}

    @property
    def actor(self) -> str:
        """The value of `Kinguard-Actor`."""
        return f"{self.type.value}/{self.id}"


@dataclass(frozen=True, slots=True)
class ClientInView:
    """The client named in the URL, with the practice's name and zone (IANA)."""

    id: str
    name: str
    preferred: str
    practice_id: str
    practice_name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A client whose portal the reader may open, and what the reader is to that client."""

    client: ClientInView
    kinds: tuple[Kind, ...]


def client_in_view(client: Client, practice: Practice) -> ClientInView:
    """The client as pages show it."""
    return ClientInView(client.id, client.name, client.preferred, practice.id, practice.name, practice.zone)
