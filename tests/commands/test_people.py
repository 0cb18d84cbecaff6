"""Clients and staff are taken on and changed by those whom the policy lets, and decisions follow at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from authz_service.commands.people import create_client, create_staff, update_client, update_staff
from authz_service.facts.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock


def test_a_new_client_is_the_practices_own(acting: Callable[..., Acting]) -> None:
    made = create_client(acting("jo"), "northgate", {"id": "nia", "born": "2018-04-01", "self_managing": "shared"})
    assert (made.practice_id, made.born.isoformat(), made.self_managing, made.assent, made.active) == (
        "northgate",
        "2018-04-01",
        "shared",
        "given",
        True,
    )
    assert update_staff(acting("jo"), "lea", {"assigned": ["leo", "nia"]}).assigned == {"leo", "nia"}
    with pytest.raises(ConflictError):
        create_client(acting("jo"), "northgate", {"id": "nia", "born": "2018-04-01"})


def test_a_client_of_an_id_taken_elsewhere_is_not_taken_over(acting: Callable[..., Acting]) -> None:
    with pytest.raises(ConflictError):
        create_client(acting("hal"), "harborview", {"id": "mia", "born": "2018-04-01"})


@pytest.mark.parametrize(
    ("actor", "practice"), [("ken", "northgate"), ("bea", "northgate"), ("rex", "northgate"), ("nobody", "northgate")]
)
def test_only_who_runs_the_practice_takes_clients_on(acting: Callable[..., Acting], actor: str, practice: str) -> None:
    with pytest.raises(ForbiddenError):
        create_client(acting(actor), practice, {"id": "nia", "born": "2018-04-01"})


def test_another_practices_staff_find_no_such_practice(acting: Callable[..., Acting]) -> None:
    with pytest.raises(NotFoundError):
        create_client(acting("hal"), "northgate", {"id": "nia", "born": "2018-04-01"})
    with pytest.raises(NotFoundError):
        update_staff(acting("hal"), "ken", {"subscribed": False})


def test_withheld_assent_takes_documents_from_the_guardian_at_once(
    acting: Callable[..., Acting], may: Callable[..., bool]
) -> None:
    assert may("dana", "view", "document", "doc_leo_school")
    update_client(acting("jo"), "leo", {"assent": "withheld"})
    assert not may("dana", "view", "document", "doc_leo_school")


def test_a_stale_change_of_a_client_is_refused(acting: Callable[..., Acting]) -> None:
    version = str(update_client(acting("jo"), "leo", {}).version)
    update_client(acting("jo"), "leo", {"active": False}, version)
    with pytest.raises(StaleError):
        update_client(acting("jo"), "leo", {"active": True}, version)


def test_a_subscription_lets_a_therapist_write_at_once(
    acting: Callable[..., Acting], seeded_store: AccessStore, decider: Decider, standing_clock: StandingClock
) -> None:
    request = Request("staff", "lea", "send", "thread", "thr_leo_lea", standing_clock.now)

    def may_send() -> bool:
        with seeded_store.deciding() as access:
            return decider.decide(access, request).allowed

    assert not may_send()
    update_staff(acting("jo"), "lea", {"subscribed": True})
    assert may_send()


def test_therapists_offer_their_own_times_and_nobody_elses(acting: Callable[..., Acting]) -> None:
    assert update_staff(acting("lea"), "lea", {"available": True}).available
    for changes in ({"available": True, "subscribed": True}, {"subscribed": True}):
        with pytest.raises(ForbiddenError):
            update_staff(acting("lea"), "lea", changes)
    with pytest.raises(ForbiddenError):
        update_staff(acting("lea"), "ken", {"available": False})
    with pytest.raises(ForbiddenError):
        update_staff(acting("bea"), "bea", {"available": True})


def test_a_new_staff_member_starts_with_nothing_but_the_role(acting: Callable[..., Acting]) -> None:
    made = create_staff(acting("jo"), "northgate", {"id": "max", "roles": ["therapist"], "assigned": ["mia"]})
    assert (made.roles, made.state, made.subscribed, made.may_invite, made.available, made.assigned) == (
        {"therapist"},
        "active",
        False,
        False,
        False,
        {"mia"},
    )
    with pytest.raises(ConflictError):
        create_staff(acting("jo"), "northgate", {"id": "max", "roles": ["biller"]})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"roles": ["owner", "administrator"]}, "roles"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"assigned": ["vic"]}, "assigned"),
        ({"assigned": "mia"}, "assigned"),
        ({"state": "gone"}, "state"),
        ({"subscribed": 1}, "subscribed"),
        ({"salary": 1}, "salary"),
    ],
)
def test_what_is_wrong_is_named(acting: Callable[..., Acting], changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        update_staff(acting("jo"), "ken", changes)
    assert list(refused.value.fields) == [field]


def test_nobody_sends_the_owner_away(acting: Callable[..., Acting]) -> None:
    """The owner is named when the practice is set up; an administrator who could end that would be its owner."""
    with pytest.raises(InvalidError):
        update_staff(acting("jo"), "priya", {"state": "inactive"})
    assert update_staff(acting("jo"), "priya", {"subscribed": True}).state == "active"
