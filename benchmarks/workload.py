"""The bench workload: 20,000 random requests, each with all the facts that a decision needs."""

from __future__ import annotations

import random
from dataclasses import dataclass

REQUESTS = 20_000
SEED = 20_260_615
FEATURES = ("profile", "calendar", "invoices", "documents", "forms", "messages", "service_plan")
QUESTIONS = (
    ("view", "profile"),
    ("submit", "profile"),
    ("view", "calendar"),
    ("view", "invoice"),
    ("view", "document"),
    ("submit", "document"),
    ("view", "form"),
    ("submit", "form"),
    ("view", "message"),
    ("submit", "message"),
    ("view", "service_plan"),
    ("view", "clinical_note"),
)
# The facts each resource type has, in the order of the bundle's facts.yaml.
RESOURCE_FACTS = {
    "profile": ("hidden",),
    "calendar": ("hidden",),
    "invoice": ("hidden", "owner", "state"),
    "document": ("hidden", "owner", "state"),
    "form": ("hidden", "owner", "state"),
    "message": ("hidden", "owner"),
    "service_plan": ("hidden", "state"),
    "clinical_note": ("hidden",),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One question with its facts; `owner` and `state` are None where the type lacks them."""

    kind: str
    status: str
    window: str
    switches: tuple[bool, ...]  # one a feature
    toggles: tuple[bool, ...]
    action: str
    resource_type: str
    hidden: bool
    owner: str | None
    state: str | None

    @property
    def subject(self) -> tuple[str | bool, ...]:
        """The subject's facts in the bundle's order."""
        return (self.kind, self.status, self.window, *self.switches, *self.toggles)

    @property
    def resource(self) -> tuple[str | bool | None, ...]:
        """The resource's facts in the bundle's order."""
        return tuple(getattr(self, name) for name in RESOURCE_FACTS[self.resource_type])


def requests(count: int = REQUESTS, seed: int = SEED) -> list[Request]:
    """The same requests for the same seed; about 41 % of them are allowed."""
    rng = random.Random(seed)
    return [_request(rng) for _ in range(count)]


def _request(rng: random.Random) -> Request:
    action, resource_type = rng.choices(QUESTIONS, weights=(8, 6, 16, 12, 16, 6, 10, 6, 10, 6, 6, 2))[0]
    facts = RESOURCE_FACTS[resource_type]
    return Request(
        kind=rng.choices(
            ("self", "guardian", "co_parent", "emergency_contact", "payer", "community"), weights=(26, 32, 16, 14, 7, 5)
        )[0],
        status=rng.choices(("active", "pending", "ended"), weights=(88, 6, 6))[0],
        window=rng.choices(("current", "future", "past"), weights=(92, 3, 5))[0],
        switches=tuple(rng.random() < 0.88 for _ in FEATURES),
        toggles=tuple(rng.random() < 0.70 for _ in FEATURES),
        action=action,
        resource_type=resource_type,
        hidden=rng.random() < 0.08,
        owner=rng.choices(("me", "client", "other"), weights=(40, 35, 25))[0] if "owner" in facts else None,
        state=rng.choices(("released", "draft"), weights=(92, 8))[0] if "state" in facts else None,
    )
