"""Handing a person's access over: on the day, not before, in one transaction, and taken back until then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from authz_service.commands import grants, withholding
from authz_service.commands.acting import Acting
from authz_service.commands.coming import Coming, coming_changes
from authz_service.commands.errors import CommandError, ConflictError, ForbiddenError, InvalidError, StaleError
from authz_service.commands.hand_overs import hand_over, hand_overs, look_at_hand_over, undo_hand_over
from authz_service.commands.past import who_could
from authz_service.facts.comparison import SIGNED_IN, Comparison
from authz_service.facts.request import Request
from authz_service.trail.changes import Origin
from models.vocabulary import GrantStatus
from tests.conftest import FROZEN

if TYPE_CHECKING:
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock

ZONE = ZoneInfo("America/Los_Angeles")
CARA_TO_NEW = {"from_account": "cara", "to_account": "cleo", "on": "2026-07-01"}


@pytest.fixture
def acting(seeded_store: AccessStore, decider: Decider) -> Acting:
    return Acting(seeded_store, decider, Origin("test", "r1", "staff/jo"))


@pytest.fixture(scope="session")
def comparison(decider: Decider) -> Comparison:
    return Comparison(decider)


def sees_calendar(acting: Acting, account: str, client: str, now: datetime) -> bool:
    request = Request("account", account, "view", "calendar", client, now, authn=SIGNED_IN)
    with acting.store.deciding() as access:
        return acting.decider.decide(access, request).allowed


def midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZONE).astimezone(UTC)


def test_access_passes_at_midnight_of_the_day(acting: Acting, standing_clock: StandingClock) -> None:
    """Until midnight in the practice's zone the old one sees, from then on the successor with the same scope."""
    _, kept = hand_over(acting, "northgate", {**CARA_TO_NEW, "reason": "Cara leaves the agency"})
    grants.first_login(acting.store, Origin("test", "r2", "account/cleo"), ("northgate",), "cleo")
    for span, old in ((-1, True), (0, False)):
        standing_clock.now = midnight("2026-07-01") + timedelta(microseconds=span)
        assert sees_calendar(acting, "cara", "noah", standing_clock.now) is old
        assert sees_calendar(acting, "cleo", "noah", standing_clock.now) is not old
    with acting.store.reading() as rows:
        before, after = rows.grant("g_cara_noah"), rows.grant(kept.begun[0])
    assert before is not None
    assert after is not None
    assert (after.kind, after.toggles, after.until, after.proof) == (before.kind, before.toggles, None, "none")


def test_a_preview_changes_nothing_and_holds_the_hand_over_to_what_was_seen(acting: Acting) -> None:
    """A grant that changes after the preview makes the hand-over stale."""
    seen = look_at_hand_over(acting, "northgate", CARA_TO_NEW)
    assert [(step.client_id, step.kept, step.left) for step in seen.steps] == [("noah", False, None)]
    with acting.store.reading() as rows:
        assert hand_overs(rows, "northgate") == []
    grants.update_grant(acting, "g_cara_noah", {"toggles": {"messages": False}}, None)
    with pytest.raises(StaleError):
        hand_over(acting, "northgate", CARA_TO_NEW, seen.etag)
    hand_over(acting, "northgate", CARA_TO_NEW, look_at_hand_over(acting, "northgate", CARA_TO_NEW).etag)


def test_a_planned_hand_over_is_taken_back_whole(acting: Acting, standing_clock: StandingClock) -> None:
    """After undoing it the old access goes on as before, and the successor's never begins."""
    grants.update_grant(acting, "g_cara_noah", {"until": "2026-12-01"}, None)
    _, kept = hand_over(acting, "northgate", CARA_TO_NEW)
    undo_hand_over(acting, "northgate", kept.id)
    with acting.store.reading() as rows:
        before, after = rows.grant("g_cara_noah"), rows.grant(kept.begun[0])
    assert before is not None
    assert before.until == date(2026, 12, 1)
    assert after is not None
    assert after.status is GrantStatus.ENDED
    with pytest.raises(ConflictError):
        undo_hand_over(acting, "northgate", kept.id)
    standing_clock.now = midnight("2026-07-02")
    assert sees_calendar(acting, "cara", "noah", standing_clock.now)


def test_what_has_come_or_was_changed_is_not_taken_back(acting: Acting, standing_clock: StandingClock) -> None:
    """From its day on, or once somebody changed a grant of it, a hand-over stays."""
    _, kept = hand_over(acting, "northgate", CARA_TO_NEW)
    grants.update_grant(acting, "g_cara_noah", {"until": "2026-07-05"}, None)
    with pytest.raises(ConflictError, match="changed since"):
        undo_hand_over(acting, "northgate", kept.id)
    grants.update_grant(acting, "g_cara_noah", {"until": "2026-07-01"}, None)
    standing_clock.now = midnight("2026-07-01")
    with pytest.raises(ConflictError, match="has come"):
        undo_hand_over(acting, "northgate", kept.id)


@pytest.mark.parametrize(
    ("changes", "staff", "error"),
    [
        ({"on": "2026-06-14"}, "jo", InvalidError),
        ({"on": None}, "jo", InvalidError),
        ({"to_account": "cara"}, "jo", InvalidError),
        ({}, "ken", ForbiddenError),
        ({}, "lea", ForbiddenError),
        ({"from_account": "exa"}, "jo", ConflictError),
        ({"from_account": "leo", "to_account": "dana"}, "jo", ConflictError),
        ({"to_account": "jo"}, "jo", ConflictError),
    ],
)
def test_a_hand_over_that_makes_no_sense_or_is_not_allowed_does_nothing(
    changes: dict[str, Any], staff: str, error: type[CommandError], acting: Acting
) -> None:
    """Past days, one's own successor, staff without the right, and access that cannot pass."""
    somebody = Acting(acting.store, acting.decider, Origin("test", "r1", f"staff/{staff}"))
    with pytest.raises(error):
        hand_over(somebody, "northgate", {**CARA_TO_NEW, **changes})
    with acting.store.reading() as rows:
        assert hand_overs(rows, "northgate") == []


def test_a_successor_with_the_same_access_keeps_it(acting: Acting) -> None:
    """Where the successor acts for the client already, only the old access ends."""
    grants.create_grant(acting, "noah", {"account_id": "cleo", "kind": "caseworker", "status": "active"})
    plan, kept = hand_over(acting, "northgate", CARA_TO_NEW)
    assert [step.kept for step in plan.steps] == [True]
    assert kept.begun == ()
    assert plan.status is GrantStatus.ACTIVE


def test_coming_changes_name_birthdays_windows_and_hand_overs(acting: Acting, comparison: Comparison) -> None:
    """Each coming change stands with its day, whom it is about, and how much changes."""
    _, kept = hand_over(acting, "northgate", CARA_TO_NEW)
    found = coming_changes(acting, comparison, FROZEN, "northgate", date(2027, 1, 1))
    by = {(each.what, each.grant_id or each.client_id): each for each in found}
    assert by[Coming.GRANT_ENDS, "g_cara_noah"].hand_over_id == kept.id
    assert by[Coming.GRANT_BEGINS, kept.begun[0]].day == date(2026, 7, 1)
    assert by[Coming.GRANT_ENDS, "g_ada_arlo"].losses > 0
    assert by[Coming.GRANT_ENDS, "g_cara_noah"].losses > 0
    assert list(found) == sorted(found, key=lambda each: each.day)
    with pytest.raises(InvalidError):
        coming_changes(acting, comparison, FROZEN, "northgate", date(2026, 6, 14))


def test_a_birthday_into_another_age_class_is_foreseen(acting: Acting, comparison: Comparison) -> None:
    """Mia becomes a teen in 2029: the day stands in the calendar, whether or not it changes anything."""
    standing = acting.store.clock
    standing.now = datetime(2029, 3, 1, 20, tzinfo=UTC)  # type: ignore[attr-defined]
    found = coming_changes(acting, comparison, standing(), "northgate", date(2029, 3, 31))
    assert [(each.what, each.client_id, each.age, each.day) for each in found] == [
        (Coming.BIRTHDAY, "mia", "teen", date(2029, 3, 9))
    ]


def test_the_past_is_what_was_answered_then(
    acting: Acting, comparison: Comparison, standing_clock: StandingClock
) -> None:
    """Who could see an item yesterday is what was answered yesterday, with who had set it and why."""
    item = ("document", "doc_mia_school")

    def viewers(at: datetime) -> set[str]:
        found = who_could(acting, comparison, standing_clock.now, "mia", at=at, item=item)
        return {each.account_id for each in found.people if any(right.action == "view" for right in each.rights)}

    def answered() -> set[str]:
        asked = [
            Request("account", each, "view", *item, standing_clock.now, authn=SIGNED_IN)
            for each in ("dana", "sam", "gus")
        ]
        with acting.store.deciding() as access:
            return {each.subject_id for each in asked if acting.decider.decide(access, each).allowed}

    instants = []
    for change in (
        {"toggles": {"documents": False}},
        {"status": "suspended"},
        {"status": "active"},
        {"toggles": {"documents": True}},
    ):
        instants.append((standing_clock.now, answered()))
        standing_clock.advance(hours=1)
        grants.update_grant(acting, "g_sam_mia", change, None, reason=f"because of {change}")
        standing_clock.advance(hours=1)
    instants.append((standing_clock.now, answered()))
    assert [viewers(at) for at, _ in instants] == [then for _, then in instants]
    assert {"dana", "sam"} in [then for _, then in instants]
    assert {"dana"} in [then for _, then in instants]
    second = who_could(acting, comparison, standing_clock.now, "mia", at=instants[1][0], item=item)
    (sams,) = [each for each in second.settings if each.grant_id == "g_sam_mia"]
    assert (sams.set_by, sams.reason) == ("staff/jo", "because of {'toggles': {'documents': False}}")


@pytest.mark.parametrize("staff", ["ken", "rex", "bea"])
def test_what_cannot_be_handed_over_is_shown_only_to_whoever_may_hand_over(acting: Acting, staff: str) -> None:
    """A preview of somebody whose access all stays tells a biller or reviewer nothing of it."""
    asked = {"from_account": "rosa", "to_account": "cleo", "on": "2026-07-01"}
    assert {step.left for step in look_at_hand_over(acting, "northgate", asked).steps} == {"own_login"}
    somebody = Acting(acting.store, acting.decider, Origin("test", "r1", f"staff/{staff}"))
    with pytest.raises(ForbiddenError):
        look_at_hand_over(somebody, "northgate", asked)


def test_why_there_is_a_safety_block_is_told_of_the_past_to_whoever_may_see_blocks(
    acting: Acting, comparison: Comparison, standing_clock: StandingClock
) -> None:
    """A therapist sees who could do what; who set a block, and why, administrators only."""
    withholding.block(acting, "g_sam_mia", "an order of 10 June")
    standing_clock.now += timedelta(hours=1)
    ken = Acting(acting.store, acting.decider, Origin("test", "r1", "staff/ken"))
    for somebody, told in ((acting, ["an order of 10 June"]), (ken, [])):
        past = who_could(somebody, comparison, standing_clock.now, "mia", at=standing_clock.now)
        assert [each.reason for each in past.settings if each.what == "block"] == told
