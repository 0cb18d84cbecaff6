"""Many changes at once, what kinds begin with, and the set-up check: what they find and leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from authz_service.commands.bulk import update_grants
from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from authz_service.commands.grants import create_grant, update_grant
from authz_service.commands.kind_defaults import kind_defaults, update_kind_defaults
from authz_service.commands.people import create_client, update_client, update_staff
from authz_service.commands.set_up import check_set_up, dismiss_finding, restore_finding
from authz_service.commands.switches import update_client_switches, update_practice_switches
from authz_service.facts.ceilings import ceilings
from models.tables.trail import RECORDS
from models.vocabulary import AgeClass, Feature, Kind, SetUpRule, default_toggles
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.commands.set_up import Check
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock


def off(grant_id: str, feature: str, etag: str = "1") -> dict[str, Any]:
    return {"id": grant_id, "etag": etag, "toggles": {feature: False}}


@pytest.fixture
def check(seeded_store: AccessStore, decider: Decider) -> Callable[[], Check]:
    return lambda: check_set_up(seeded_store, decider.policy, "northgate")


@pytest.fixture
def found(check: Callable[[], Check]) -> Callable[[SetUpRule], list[tuple[Any, ...]]]:
    """Of a rule, what each finding is about."""

    def of(rule: SetUpRule) -> list[tuple[Any, ...]]:
        return [(one.client_id, one.grant_ids, one.staff_id) for one in check().findings if one.rule is rule]

    return of


# ---- many grants at once ----


def test_documents_go_off_for_everyone_of_a_client_in_one_transaction(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """Each grant has its record, under one reason, and the next question already knows."""
    assert may("dana", "view", "document", "doc_mia_school")
    changes = [off("g_dana_mia", "documents"), off("g_sam_mia", "documents")]
    changed = update_grants(acting(), "northgate", changes, "asked by the school")
    assert [(grant.id, grant.version, grant.toggles[Feature.DOCUMENTS]) for grant in changed] == [
        ("g_dana_mia", 2, False),
        ("g_sam_mia", 2, False),
    ]
    assert not may("dana", "view", "document", "doc_mia_school")
    with seeded_store.database.reading() as connection:
        bodies = connection.scalars(select(RECORDS.c.body).where(RECORDS.c.action == "grant.update")).all()
    assert len(bodies) == 2
    assert all("asked by the school" in body for body in bodies)


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        (off("g_sam_mia", "documents", "7"), StaleError),
        ({"id": "g_sam_mia", "etag": "1", "toggles": {"papers": False}}, InvalidError),
        (off("g_exa_mia", "documents", "2"), ConflictError),
        (off("g_vic_vic", "documents"), InvalidError),
        (off("nobody", "documents"), InvalidError),
        (off("g_dana_mia", "forms"), InvalidError),
    ],
)
def test_one_grant_that_cannot_be_changed_leaves_all_as_they_were(
    acting: Callable[..., Acting], may: Callable[..., bool], spoiled: dict[str, Any], error: type[Exception]
) -> None:
    """Stale, wrong, ended, another practice's, unknown, named twice."""
    with pytest.raises(error):
        update_grants(acting(), "northgate", [off("g_dana_mia", "documents"), spoiled])
    assert may("dana", "view", "document", "doc_mia_school")


@on_sqlite_only
@pytest.mark.parametrize("actor", ["ken", "bea", "rex", "hal"])
def test_only_who_runs_the_practice_changes_many(acting: Callable[..., Acting], actor: str) -> None:
    with pytest.raises((ForbiddenError, NotFoundError)):
        update_grants(acting(actor), "northgate", [off("g_dana_mia", "documents")])


def test_switches_are_turned_together_on_the_state_that_was_seen(
    acting: Callable[..., Acting], may: Callable[..., bool]
) -> None:
    """An etag of an earlier state is refused, whichever switch was turned since."""
    first = update_practice_switches(acting(), "northgate", {"documents": False, "forms": False}, "0")
    assert not first.switches[Feature.DOCUMENTS]
    assert not may("dana", "view", "document", "doc_mia_school")
    with pytest.raises(StaleError):
        update_practice_switches(acting(), "northgate", {"documents": True}, "0")
    update_practice_switches(acting(), "northgate", {"documents": True}, str(first.switches_version))
    assert may("dana", "view", "document", "doc_mia_school")
    client = update_client_switches(acting(), "mia", {"documents": False}, "0")
    with pytest.raises(StaleError):
        update_client_switches(acting(), "mia", {"documents": True}, "0")
    assert update_client_switches(acting(), "mia", {"documents": True}, str(client.switches_version)).switches[
        Feature.DOCUMENTS
    ]
    with pytest.raises(InvalidError):
        update_client_switches(acting(), "mia", {"papers": True})


# ---- what kinds begin with ----


def test_a_practices_choice_is_what_new_grants_begin_with(acting: Callable[..., Acting]) -> None:
    """Grants that there are stay; null goes back to the usual, for the kind and for a single grant."""
    update_kind_defaults(acting(), "northgate", "co_parent", {"toggles": {"calendar": True}})
    made = create_grant(acting(), "noah", {"account_id": "sam", "kind": "co_parent"})
    assert [feature for feature, on in made.toggles.items() if on] == [Feature.BASICS, Feature.CALENDAR]
    patched = update_grant(acting(), made.id, {"toggles": {"calendar": False}}, None)
    assert update_grant(acting(), patched.id, {"toggles": {"calendar": None}}, None).toggles[Feature.CALENDAR]
    update_kind_defaults(acting(), "northgate", "co_parent", {"toggles": {"calendar": None}})
    plain = create_grant(acting(), "noah", {"account_id": "gus", "kind": "co_parent"})
    assert plain.toggles[Feature.CALENDAR] is False


def test_no_choice_goes_beyond_what_the_kind_may_ever_have(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    with pytest.raises(InvalidError) as caught:
        update_kind_defaults(acting(), "northgate", "payer", {"toggles": {"documents": True}})
    assert set(caught.value.fields) == {"toggles.documents"}
    with pytest.raises(InvalidError):
        update_kind_defaults(acting(), "northgate", "aunt", {"toggles": {}})
    with pytest.raises(ForbiddenError):
        update_kind_defaults(acting("ken"), "northgate", "payer", {"toggles": {"calendar": False}})
    first = update_kind_defaults(acting(), "northgate", "payer", {"toggles": {"calendar": False}}, "0")
    with pytest.raises(StaleError):
        update_kind_defaults(acting(), "northgate", "payer", {"toggles": {"calendar": True}}, "0")
    with seeded_store.reading() as rows:
        assert kind_defaults(rows, "northgate")[Kind.PAYER] == first


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("age", AgeClass)
def test_what_a_kind_begins_with_is_within_what_it_may_have(decider: Decider, kind: Kind, age: AgeClass) -> None:
    """The usual defaults never promise what the policy never gives."""
    usual = {feature for feature, on in default_toggles(kind, age).items() if on}
    assert usual <= ceilings(decider.policy)[kind]
    assert (Feature.SERVICE_PLAN in ceilings(decider.policy)[kind]) is (
        kind in {Kind.SELF, Kind.GUARDIAN, Kind.ADULT_PROXY, Kind.CASEWORKER}
    )


# ---- the check ----


def test_the_check_of_the_cast_finds_what_is_there(found: Callable[[SetUpRule], list[tuple[Any, ...]]]) -> None:
    """Lea writes without a subscription, Noah has an agency and a parent, Tom has a switch that never opens."""
    assert found(SetUpRule.SUBSCRIPTION_MISSING) == [(None, (), "lea")]
    assert found(SetUpRule.EXCLUSIVE_TWICE) == [("noah", ("g_cara_noah", "g_pam_noah"), None)]
    assert found(SetUpRule.INVITATION_WAITING) == [("noah", ("g_pam_noah",), None)]
    assert found(SetUpRule.NEVER_FOR_KIND) == [("rosa", ("g_tom_rosa",), None)]
    assert {grants for _, grants, _ in found(SetUpRule.WITHOUT_PROOF)} == {
        ("g_dana_leo",),
        ("g_dana_mia",),
        ("g_pam_noah",),
    }
    for rule in (
        SetUpRule.GUARDIAN_OF_ADULT,
        SetUpRule.INVITED_NOT_SELF_MANAGING,
        SetUpRule.ACCESS_WITHOUT_PERMISSION,
        SetUpRule.STAFF_LEFT_WITH_CLIENTS,
        SetUpRule.PARENT_AS_CLIENT,
        SetUpRule.ENDS_SOON,
        SetUpRule.WINDOW_OVER,
        SetUpRule.ON_THOUGH_PRACTICE_OFF,
        SetUpRule.ON_THOUGH_CLIENT_OFF,
        SetUpRule.NOBODY_HAS_ACCESS,
    ):
        assert found(rule) == [], rule


def test_each_rule_finds_its_case_and_is_silent_once_it_is_mended(
    acting: Callable[..., Acting],
    found: Callable[[SetUpRule], list[tuple[Any, ...]]],
    check: Callable[[], Check],
    standing_clock: StandingClock,
) -> None:
    """One after the other on the same practice, as an administrator would come upon them."""
    jo = acting()
    update_practice_switches(jo, "northgate", {"messages": False})
    (practice_off,) = [one for one in check().findings if one.rule is SetUpRule.ON_THOUGH_PRACTICE_OFF]
    assert practice_off.features == (Feature.MESSAGES,)
    assert practice_off.count > 3
    update_practice_switches(jo, "northgate", {"messages": True})
    assert found(SetUpRule.ON_THOUGH_PRACTICE_OFF) == []

    update_client_switches(jo, "mia", {"calendar": False})
    assert found(SetUpRule.ON_THOUGH_CLIENT_OFF) == [("mia", ("g_dana_mia", "g_sam_mia"), None)]
    update_client_switches(jo, "mia", {"calendar": True})
    assert found(SetUpRule.ON_THOUGH_CLIENT_OFF) == []

    off_for_sam = {"toggles": {"calendar": False, "documents": False}}
    update_grant(jo, "g_sam_mia", off_for_sam, None)
    assert found(SetUpRule.ACCESS_WITHOUT_PERMISSION) == [("mia", ("g_sam_mia",), None)]
    update_grant(jo, "g_sam_mia", {"toggles": {"calendar": True}}, None)
    assert found(SetUpRule.ACCESS_WITHOUT_PERMISSION) == []

    update_client(jo, "leo", {"self_managing": "no"})
    assert found(SetUpRule.INVITED_NOT_SELF_MANAGING) == [("leo", ("g_leo_leo",), None)]
    update_client(jo, "leo", {"self_managing": "shared"})
    assert found(SetUpRule.INVITED_NOT_SELF_MANAGING) == []

    update_grant(jo, "g_cara_noah", {"until": "2026-07-01"}, None)
    assert found(SetUpRule.ENDS_SOON) == []  # Pam stays.
    update_grant(jo, "g_pam_noah", {"status": "ended"}, None)
    assert found(SetUpRule.ENDS_SOON) == [("noah", ("g_cara_noah",), None)]
    standing_clock.advance(days=40)
    assert found(SetUpRule.WINDOW_OVER) == [("noah", ("g_cara_noah",), None)]
    assert ("noah", (), None) in found(SetUpRule.NOBODY_HAS_ACCESS)
    update_grant(jo, "g_cara_noah", {"until": None}, None)
    assert found(SetUpRule.WINDOW_OVER) == []

    update_client(jo, "leo", {"born": "2000-01-01"})
    assert {grants for _, grants, _ in found(SetUpRule.GUARDIAN_OF_ADULT)} == {("g_dana_leo",), ("g_sam_leo",)}
    update_client(jo, "leo", {"born": "2011-09-30"})

    update_staff(jo, "lea", {"state": "inactive"})
    assert found(SetUpRule.STAFF_LEFT_WITH_CLIENTS) == [(None, (), "lea")]
    assert found(SetUpRule.SUBSCRIPTION_MISSING) == []
    update_staff(jo, "lea", {"assigned": []})
    assert found(SetUpRule.STAFF_LEFT_WITH_CLIENTS) == []


def test_a_parent_entered_as_a_client_only_for_a_login_is_found(
    acting: Callable[..., Acting], found: Callable[[SetUpRule], list[tuple[Any, ...]]]
) -> None:
    """An adult client of whom nothing is kept, whose own account acts for another client."""
    jo = acting()
    create_client(jo, "northgate", {"id": "quin", "born": "1985-01-01", "self_managing": "yes"})
    create_grant(jo, "quin", {"account_id": "quin", "kind": "self", "status": "active"})
    assert found(SetUpRule.PARENT_AS_CLIENT) == []
    create_grant(jo, "noah", {"account_id": "quin", "kind": "guardian", "status": "active"})
    assert found(SetUpRule.PARENT_AS_CLIENT) == [("quin", ("g_quin_quin",), None)]
    update_client(jo, "quin", {"active": False})
    assert found(SetUpRule.PARENT_AS_CLIENT) == []


def test_an_invitation_that_waits_for_a_month_is_found(
    acting: Callable[..., Acting],
    found: Callable[[SetUpRule], list[tuple[Any, ...]]],
    standing_clock: StandingClock,
) -> None:
    create_grant(acting(), "noah", {"account_id": "gus", "kind": "payer"})
    assert ("noah", ("g_gus_noah",), None) not in found(SetUpRule.INVITATION_WAITING)
    standing_clock.advance(days=31)
    assert ("noah", ("g_gus_noah",), None) in found(SetUpRule.INVITATION_WAITING)


def test_a_finding_called_right_keeps_who_when_and_why_until_it_is_shown_again(
    acting: Callable[..., Acting], check: Callable[[], Check], seeded_store: AccessStore
) -> None:
    (finding,) = [one for one in check().findings if one.rule is SetUpRule.EXCLUSIVE_TWICE]
    dismiss_finding(acting(), "northgate", finding.id, "the court asked for both")
    (kept,) = check().dismissals
    assert (kept.finding, kept.reason, kept.by) == (finding.id, "the court asked for both", "staff/jo")
    with seeded_store.database.reading() as connection:
        actions = connection.scalars(select(RECORDS.c.action).where(RECORDS.c.resource_id == finding.id)).all()
    assert actions == ["finding.dismiss"]
    restore_finding(acting(), "northgate", finding.id)
    assert check().dismissals == []
    for wrong in ("", "   ", "x" * 501):
        with pytest.raises(InvalidError):
            dismiss_finding(acting(), "northgate", finding.id, wrong)
    with pytest.raises(ForbiddenError):
        dismiss_finding(acting("ken"), "northgate", finding.id, "no")
    with pytest.raises(NotFoundError):
        dismiss_finding(acting("hal"), "northgate", finding.id, "no")
