"""Giving, changing and ending access: at once, checked, by whom the policy lets, and in the trail."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from authz_service.commands.grants import create_grant, end_grant, first_login, update_grant
from authz_service.trail.changes import Origin
from models.tables.trail import RECORDS
from models.vocabulary import Feature, GrantStatus, Kind, StaffRole
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Grant
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock

ORIGIN = Origin(caller="gateway", request_id="r2", actor="account/pam")


def stored(store: AccessStore, grant_id: str) -> Grant:
    with store.reading() as rows:
        grant = rows.grant(grant_id)
    assert grant is not None
    return grant


def changes(store: AccessStore) -> list[str]:
    """The actions that the trail holds, but the seed's."""
    with store.database.reading() as connection:
        found = connection.scalars(select(RECORDS.c.action).order_by(RECORDS.c.chain, RECORDS.c.number)).all()
    return [action for action in found if action and action != "practice.seed"]


def test_a_toggle_takes_effect_on_the_very_next_question(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """sam sees no invoice until jo switches invoices on, then only his own, and none when it is off again."""
    assert not may("sam", "view", "invoice", "inv_mia_2")
    grant = update_grant(acting(), "g_sam_mia", {"toggles": {"invoices": True}}, "1")
    assert (grant.version, grant.toggles[Feature.INVOICES], grant.toggles[Feature.CALENDAR]) == (2, True, True)
    assert may("sam", "view", "invoice", "inv_mia_2")
    assert not may("sam", "view", "invoice", "inv_mia_1")
    update_grant(acting(), "g_sam_mia", {"toggles": {"invoices": False}}, "2")
    assert not may("sam", "view", "invoice", "inv_mia_2")
    assert changes(seeded_store) == ["grant.update", "grant.update"]


def test_a_change_decided_on_an_older_state_is_stale(acting: Callable[..., Acting]) -> None:
    """Nobody's change is lost; the error has the present version."""
    update_grant(acting(), "g_sam_mia", {"toggles": {"invoices": True}}, "1")
    with pytest.raises(StaleError) as caught:
        update_grant(acting(), "g_sam_mia", {"toggles": {"messages": True}}, "1")
    assert caught.value.etag == "2"


def test_a_toggle_set_to_null_gets_the_default_of_its_kind(acting: Callable[..., Acting]) -> None:
    """As a merge patch takes a value away."""
    grant = update_grant(acting(), "g_dana_mia", {"toggles": {"messages": None}}, None)
    assert grant.toggles[Feature.MESSAGES] is False


def test_changing_nothing_is_no_change(acting: Callable[..., Acting], seeded_store: AccessStore) -> None:
    """Neither a version nor a record."""
    assert update_grant(acting(), "g_sam_mia", {"toggles": {"calendar": True}}, "1").version == 1
    assert changes(seeded_store) == []


@on_sqlite_only
@pytest.mark.parametrize(
    ("patch", "field", "told"),
    [
        ({"toggles": {"invoises": True}}, "toggles.invoises", "features are basics, calendar"),
        ({"toggles": {"invoices": "on"}}, "toggles.invoices", "must be true, false"),
        ({"toggles": []}, "toggles", "must be an object"),
        ({"status": "gone"}, "status", "none of pending, active"),
        ({"status": "pending"}, "status", "cannot be changed from active to pending"),
        ({"from": "2026-06-20", "until": "2026-06-20"}, "until", "must lie after"),
        ({"from": "20260620"}, "from", "such as 2026-06-15"),
        ({"until": "2026-02-30"}, "until", "such as 2026-06-15"),
        ({"proof": "seen"}, "proof", "none of none, on_file"),
        ({"kind": "self"}, "kind", "unknown field; known are status"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    acting: Callable[..., Acting], seeded_store: AccessStore, patch: dict[str, Any], field: str, told: str
) -> None:
    """Each wrong field is named with what would have been right, and nothing is changed."""
    with pytest.raises(InvalidError) as caught:
        update_grant(acting(), "g_sam_mia", patch, "1")
    assert told in caught.value.fields[field]
    assert stored(seeded_store, "g_sam_mia").version == 1


def test_a_window_against_one_that_stands_is_checked_whole(acting: Callable[..., Acting]) -> None:
    """A `from` after the `until` that is there already is refused too."""
    with pytest.raises(InvalidError, match="until"):
        update_grant(acting(), "g_ada_arlo", {"from": "2027-01-01"}, None)


def test_windows_count_in_days_of_the_practice(
    acting: Callable[..., Acting], may: Callable[..., bool], standing_clock: StandingClock
) -> None:
    """From midnight of the first day to midnight of the day named `until`, in Los Angeles."""
    update_grant(acting(), "g_tom_rosa", {"from": "2026-06-17", "until": "2026-06-18"}, None)
    noon = standing_clock.now
    expected = {0: False, 35.99: False, 36: True, 59.99: True, 60: False}
    for hours, allowed in expected.items():
        standing_clock.now = noon + timedelta(hours=hours)
        assert may("tom", "view", "invoice", "inv_rosa_1") is allowed


@on_sqlite_only
@pytest.mark.parametrize("name", ["ken", "lea", "sky", "bea", "rex", "nobody"])
def test_only_those_whom_the_policy_lets_change_access(
    acting: Callable[..., Acting], seeded_store: AccessStore, name: str
) -> None:
    """Therapists, billers, schedulers and reviewers are refused, and so is whoever is not known."""
    with pytest.raises(ForbiddenError):
        update_grant(acting(name), "g_sam_mia", {"toggles": {"invoices": True}}, "1")
    with pytest.raises(ForbiddenError):
        create_grant(acting(name), "mia", {"account_id": "new", "kind": "guardian", "proof": "on_file"})
    assert changes(seeded_store) == []


def test_another_practices_grant_is_not_there(acting: Callable[..., Acting]) -> None:
    """For its staff, and for a calling system that does not speak for it: the same words as for one that never was."""
    attempts = [(acting("hal"), "g_sam_mia"), (acting("jo", "harborview"), "g_sam_mia"), (acting("jo"), "g_none")]
    for who, grant_id in attempts:
        with pytest.raises(NotFoundError, match="there is no such grant"):
            update_grant(who, grant_id, {"toggles": {"invoices": True}}, None)
    with pytest.raises(NotFoundError, match="there is no such client"):
        create_grant(acting("hal"), "mia", {"account_id": "new", "kind": "guardian"})


def test_a_new_grant_is_pending_with_the_defaults_of_its_kind(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """It opens nothing before the first login, which activates it."""
    body = {"account_id": "nora", "kind": "guardian", "toggles": {"messages": True}, "until": "2027-01-01"}
    grant = create_grant(acting(), "mia", body)
    assert (grant.id, grant.kind, grant.status, grant.until) == (
        "g_nora_mia",
        Kind.GUARDIAN,
        GrantStatus.PENDING,
        date(2027, 1, 1),
    )
    assert grant.toggles[Feature.MESSAGES]
    assert grant.toggles[Feature.INVOICES]
    assert not may("nora", "view", "document", "doc_mia_school")
    (active,) = first_login(seeded_store, ORIGIN, ("*",), "nora")
    assert active.status is GrantStatus.ACTIVE
    assert may("nora", "view", "document", "doc_mia_school")
    assert changes(seeded_store) == ["grant.create", "grant.first_login"]


def test_the_first_login_activates_what_is_pending_and_nothing_else(seeded_store: AccessStore) -> None:
    """Ended and suspended grants stay; an account without pending ones is left alone; an unknown one is not there."""
    assert [grant.status for grant in first_login(seeded_store, ORIGIN, ("*",), "pam")] == [GrantStatus.ACTIVE]
    assert [grant.status for grant in first_login(seeded_store, ORIGIN, ("*",), "exa")] == [GrantStatus.ENDED]
    assert changes(seeded_store) == ["grant.first_login"]
    with pytest.raises(NotFoundError):
        first_login(seeded_store, ORIGIN, ("*",), "zed")


@on_sqlite_only
@pytest.mark.parametrize(
    ("client", "body", "error", "told"),
    [
        ("mia", {"account_id": "dana", "kind": "guardian"}, ConflictError, "guardian of mia already"),
        ("rosa", {"account_id": "new", "kind": "self"}, ConflictError, "account of their own already"),
        ("leo", {"account_id": "rosa", "kind": "self"}, ConflictError, "account of their own already"),
        ("mia", {"account_id": "new", "kind": "self"}, InvalidError, "this one does not"),
        ("mia", {"account_id": "new", "kind": "adult_proxy"}, InvalidError, "adult clients"),
        ("mia", {"account_id": "ken", "kind": "guardian"}, ConflictError, "id of a staff member"),
        ("mia", {"account_id": "new", "kind": "uncle"}, InvalidError, "none of self, guardian"),
        ("mia", {"kind": "guardian"}, InvalidError, "account_id: is required"),
        ("mia", {"account_id": "new"}, InvalidError, "kind: is required"),
        ("mia", {"account_id": "a b", "kind": "guardian"}, InvalidError, "must be an id"),
        ("mia", {"account_id": "new", "kind": "guardian", "status": "ended"}, InvalidError, "none of pending"),
        ("zed", {"account_id": "new", "kind": "guardian"}, NotFoundError, "no such client"),
    ],
)
def test_a_grant_that_does_not_fit_is_refused(  # noqa: PLR0917
    acting: Callable[..., Acting],
    seeded_store: AccessStore,
    client: str,
    body: dict[str, Any],
    error: type[Exception],
    told: str,
) -> None:
    """By its field, or by what stands in the way; nothing is written."""
    with pytest.raises(error, match=told):
        create_grant(acting(), client, body)
    assert changes(seeded_store) == []


def test_an_ended_grant_stays_ended_and_another_gets_an_id_of_its_own(
    acting: Callable[..., Acting], may: Callable[..., bool]
) -> None:
    """The end is for good; the id that was used is not used again."""
    assert may("dana", "view", "document", "doc_mia_school")
    assert end_grant(acting(), "g_dana_mia", "1").status is GrantStatus.ENDED
    assert not may("dana", "view", "document", "doc_mia_school")
    with pytest.raises(ConflictError, match="create another"):
        update_grant(acting(), "g_dana_mia", {"status": "active"}, None)
    again = create_grant(acting(), "mia", {"account_id": "dana", "kind": "guardian", "status": "active"})
    assert again.id.startswith("g_dana_mia_")
    assert may("dana", "view", "document", "doc_mia_school")


def test_two_who_create_the_same_grant_at_once_do_not_both_succeed(acting: Callable[..., Acting]) -> None:
    """Writers of a practice come one after the other, so the second sees the first's."""
    from concurrent.futures import ThreadPoolExecutor

    def create(_: int) -> str:
        try:
            return create_grant(acting(), "mia", {"account_id": "twin", "kind": "guardian"}).id
        except ConflictError:
            return "conflict"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(create, range(4)))
    assert outcomes == ["conflict", "conflict", "conflict", "g_twin_mia"]


def test_a_change_that_cannot_be_recorded_is_not_made(
    acting: Callable[..., Acting], seeded_store: AccessStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unrecorded means undone: the transaction of the change is the record's too."""

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("authz_service.storage.writing.record_change", fail)
    with pytest.raises(OSError, match="no space"):
        update_grant(acting(), "g_sam_mia", {"toggles": {"invoices": True}}, "1")
    assert stored(seeded_store, "g_sam_mia").version == 1


def test_every_role_is_a_role_of_the_vocabulary(seeded_store: AccessStore) -> None:
    """What the rows say of staff can be read back as the closed list."""
    with seeded_store.reading() as rows:
        roles = {role for practice in rows.practices() for member in rows.staff(practice) for role in member.roles}
    assert roles == set(StaffRole)
