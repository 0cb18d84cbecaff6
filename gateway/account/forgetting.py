"""For the operator: somebody lost every second factor and recovery code, and must get in again.

The next sign-in takes the password, and where a second factor is asked it is set up anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.account.second_factor import forget_factors
from gateway.edge.authz_client import AuthzClient
from gateway.edge.errors import CannotDecide
from gateway.records.store import RecordsStore
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.edge.authz_line import Transport
    from gateway.settings import Settings


class NotForgottenError(Exception):
    """Nothing was changed; the message says why."""


async def forget_second_factors(
    settings: Settings, person: str, clock: Callable[[], datetime], authz_transport: Transport | None = None
) -> None:
    """Take every second factor from a person (`account/dana`, `staff/jo`). The trail has it first."""
    kind, _, subject_id = person.partition("/")
    if kind not in {member.value for member in SubjectType}:
        raise NotForgottenError(f"{person!r} is no person: write account/ or staff/ and the id")
    who = (SubjectType(kind), subject_id)
    store, authz = RecordsStore(settings.records_database_url), AuthzClient(settings, clock, authz_transport)
    try:
        known = (await store.people(who[0], [subject_id])).get(subject_id)
        if known is None:
            raise NotForgottenError(f"nobody is called {person}")
        account_id = subject_id if who[0] is SubjectType.ACCOUNT else None
        event = {"action": "second_factor.forgotten", "account_id": account_id, "practice_id": known.practice_id}
        try:
            await authz.record(event)
        except CannotDecide as error:
            raise NotForgottenError(f"this could not be recorded, so nothing was changed: {error}") from error
        if not await store.change(None, lambda session: forget_factors(session, who)):
            raise NotForgottenError(f"{person} has no second factor")
    finally:
        await authz.close()
        store.close()
