"""Everything the cast can be asked about: the cells of every suite and of the golden matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.vocabulary import StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.world import Client, World

# Actions that are asked about something that does not exist yet.
_BEGINNINGS: Mapping[str, frozenset[str]] = {
    "appointment": frozenset({"request", "create"}),
    "invoice": frozenset({"create"}),
    "document": frozenset({"upload"}),
    "thread": frozenset({"start"}),
    "service_plan": frozenset({"create"}),
}
_ONE_PER_CLIENT = ("portal", "profile", "calendar", "owner_email")
_ABOUT_A_CLIENT = ("client", "grant", "withhold", "block", "records", "emergency_access")
_ONE_PER_PRACTICE = ("switch", "subscription", "practice", "trail", "policy", "import")
_ON_THE_OTHER_SIDE = frozenset({StaffRole.OWNER, StaffRole.ADMINISTRATOR, StaffRole.THERAPIST})


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be asked about.

    `name` is what suites call it: an item's id, `portal@rosa`, `new thread@rosa/ken` (the provider),
    `invitation@rosa/client` (the invitee).
    """

    name: str
    label: str  # the type, `new ...` for what does not exist yet
    type: str
    id: str | None
    client: str | None
    practice: str
    actions: tuple[str, ...]
    properties: Mapping[str, Any]

    def is_called(self, selector: str) -> bool:
        """Whether a selector means this thing: its name, or `label@client` or `label@practice` for all of a label."""
        return selector in (self.name, f"{self.label}@{self.client}", f"{self.label}@{self.practice}")


def things(world: World, actions: Mapping[str, tuple[str, ...]], subject_type: str) -> Iterator[Thing]:
    """Everything a subject of this type can be asked about; `actions` maps each resource type to its actions.

    What is new has a provider when a family begins it, and none when staff do.
    """
    for client in world.clients.values():
        yield from _of_client(world, actions, subject_type, client)
    for item in world.records.values():
        kept = tuple(a for a in actions[item.type] if a not in _BEGINNINGS.get(item.type, ()))
        yield Thing(item.id, item.type, item.type, item.id, item.client, item.practice, kept, {})
    for practice in world.practices:
        new = {"practice_id": practice}
        yield Thing(f"new client@{practice}", "new client", "client", None, None, practice, ("create",), new)
        for label in _ONE_PER_PRACTICE:
            yield Thing(f"{label}@{practice}", label, label, None, None, practice, actions[label], new)


def _of_client(
    world: World, actions: Mapping[str, tuple[str, ...]], subject_type: str, client: Client
) -> Iterator[Thing]:
    def thing(label: str, of_type: str, doing: tuple[str, ...], variant: str | None = None, **properties: Any) -> Thing:
        name = f"{label}@{client.id}" + (f"/{variant}" if variant else "")
        return Thing(
            name, label, of_type, None, client.id, client.practice, doing, {"client_id": client.id, **properties}
        )

    for label in _ONE_PER_CLIENT:
        yield thing(label, label, actions[label])
    for of_type, beginnings in _BEGINNINGS.items():
        doing = tuple(action for action in actions[of_type] if action in beginnings)
        if subject_type == SubjectType.ACCOUNT and of_type in ("appointment", "thread"):
            for member in world.staff.values():
                if member.practice == client.practice and not _ON_THE_OTHER_SIDE.isdisjoint(member.roles):
                    yield thing(f"new {of_type}", of_type, doing, member.id, provider_id=member.id)
        elif of_type == "document":
            yield thing(f"new {of_type}", of_type, doing, category="general")
        else:
            yield thing(f"new {of_type}", of_type, doing)
    for label in _ABOUT_A_CLIENT:
        doing = tuple(action for action in actions[label] if (label, action) != ("client", "create"))
        yield thing(label, label, doing)
    for invitee in ("contact", "client"):
        yield thing("invitation", "invitation", actions["invitation"], invitee, invitee=invitee)
