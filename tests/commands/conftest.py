"""Commands run for a staff member of the cast, on the cast's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.commands.acting import Acting
from authz_service.facts.request import Request
from authz_service.trail.changes import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock


@pytest.fixture
def acting(seeded_store: AccessStore, decider: Decider) -> Callable[..., Acting]:
    def as_staff(name: str = "jo", *practices: str) -> Acting:
        origin = Origin(caller="test", request_id="r1", actor=f"staff/{name}")
        return Acting(seeded_store, decider, origin, frozenset(practices or ("*",)))

    return as_staff


@pytest.fixture
def may(
    seeded_store: AccessStore, decider: Decider, standing_clock: StandingClock
) -> Callable[[str, str, str, str], bool]:
    """Whether an account may, on the rows as they are now."""

    def ask(account: str, action: str, kind: str, item: str, **sent: Any) -> bool:
        request = Request("account", account, action, kind, item, standing_clock.now, sent)
        with seeded_store.deciding() as access:
            return decider.decide(access, request).allowed

    return ask
