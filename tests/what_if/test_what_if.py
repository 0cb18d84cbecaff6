"""What-if says what making the change for real does: no more, no less."""

from __future__ import annotations

import os
import random
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from authz_service.commands import grants, people, switches, withholding
from authz_service.commands.acting import Acting
from authz_service.commands.errors import CommandError, ConflictError, ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.what_if import Asked, what_if
from authz_service.engine.plan import residual
from authz_service.facts.comparison import BEGINNING, SIGNED_IN, Comparison
from authz_service.facts.decision import KNOWN_BY
from authz_service.facts.request import Request
from authz_service.storage.surveying import Bounds
from authz_service.trail.changes import Origin
from models.vocabulary import Feature, Kind, PlanAudience
from tests.conftest import FROZEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.facts.comparison import Difference
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore

CASES = 12 + int(os.environ.get("KINGUARD_CASES", "0")) // 1000
SEED = int(os.environ.get("KINGUARD_SEED", "4"))
ZONE = ZoneInfo("America/Los_Angeles")
Rights = set[tuple[str, str, str, str, str | None]]


def everything(store: AccessStore, decider: Decider, now: datetime, at: datetime | None = None) -> Rights:
    """What each account may do at the practice, asked one question at a time."""
    types = {kind: actions for kind, actions in decider.policy.resource_types.items() if kind != "grant"}
    with store.surveying(("*",), at) as survey:
        clients = survey.rows.clients("northgate")
        pairs = {(grant.account_id, each) for each in clients for grant in survey.rows.grants_on(each)}
        items = {kind: list(survey.items_in(kind, Bounds("northgate"), None)) for kind in types if kind not in KNOWN_BY}
        found: Rights = set()
        for account, client in pairs:
            for kind, actions in types.items():
                for action in actions:
                    ids = [client] if KNOWN_BY.get(kind) == "client_id" else items.get(kind, [])
                    for item in () if (kind, action) in BEGINNING else ids:
                        known = survey.item(kind, item) if kind not in KNOWN_BY else {"client_id": item}
                        request = Request("account", account, action, kind, item, now, authn=SIGNED_IN)
                        if known["client_id"] == client and decider.decide(survey, request).allowed:
                            found.add((account, client, action, kind, item))
                    if kind in items and possible(survey, decider, (account, client, action, kind), now):
                        found.add((account, client, action, kind, None))
    return found


def possible(survey: Any, decider: Decider, asked: tuple[str, str, str, str], now: datetime) -> bool:
    account, client, action, kind = asked
    question = decider.policy.question("account", action, kind)
    relation = survey.relation(account, client)
    seats = decider.derivation.holder_seats(relation, now, SIGNED_IN)
    return any(residual(question, seat.subject) is not False for seat in seats)


def told(found: list[Difference]) -> tuple[Rights, Rights]:
    gains = {(each.account_id, each.client_id, *right) for each in found for right in each.gains}
    return gains, {(each.account_id, each.client_id, *right) for each in found for right in each.loses}


@pytest.fixture
def acting(seeded_store: AccessStore, decider: Decider) -> Acting:
    return Acting(seeded_store, decider, Origin("test", "r1", "staff/jo"))


@pytest.fixture(scope="session")
def comparison(decider: Decider) -> Comparison:
    return Comparison(decider)


def make(acting: Acting, change: dict[str, Any]) -> None:  # noqa: C901 - one line for each kind of change
    """The change for real."""
    match change:
        case {"practice": {"switches": dict() as on}}:
            for feature, value in on.items():
                switches.set_practice_switch(acting, "northgate", feature, value)
        case {"practice": settings}:
            switches.update_practice(acting, "northgate", settings)
        case {"client": client, "switches": dict() as on}:
            for feature, value in on.items():
                switches.set_client_switch(acting, client, feature, value)
        case {"client": client, **values}:
            people.update_client(acting, client, values)
        case {"grant": grant, **values}:
            grants.update_grant(acting, grant, values, None)
        case {"new_grant": {"client_id": client, **values}}:
            grants.create_grant(acting, client, {"status": "active", **values})
        case {"withhold": {"grant": grant, "type": kind, "id": item, "on": on}}:
            (withholding.withhold if on else withholding.release)(acting, grant, kind, item)
        case {"block": {"grant": grant, "on": on}}:
            withholding.block(acting, grant, "a test") if on else withholding.unblock(acting, grant)
        case {"staff": staff, **values}:
            people.update_staff(acting, staff, values)
        case _:
            raise AssertionError(change)


CLIENTS = ("rosa", "mia", "leo", "noah", "arlo", "dana")
GRANTS = (
    "g_sam_mia",
    "g_dana_mia",
    "g_tom_rosa",
    "g_harbor_arlo",
    "g_leo_leo",
    "g_dana_leo",
    "g_cara_noah",
    "g_ada_arlo",
)
ITEMS = (("g_dana_mia", "document", "doc_mia_school"), ("g_sam_mia", "document", "doc_mia_letter"))


def draw(chance: random.Random) -> dict[str, Any]:
    feature, on = chance.choice(list(Feature)).value, chance.random() < 0.4
    day = date(2026, 6, 15) + timedelta(days=chance.randrange(-3, 4))
    item, kind = chance.choice(ITEMS), chance.choice(list(Kind)).value
    return chance.choice(
        [
            {"practice": {"switches": {feature: on}}},
            {"practice": {"plan_audience": chance.choice(list(PlanAudience)).value}},
            {"practice": chance.choice([{"contacts_allowed": False}, {"card_processing": False}, {"teen_from": 16}])},
            {"practice": chance.choice([{"notice_hours": 500}, {"adult_from": 14}, {"second_factor": True}])},
            {"client": chance.choice(CLIENTS), "switches": {feature: on}},
            {"client": chance.choice(CLIENTS), "active": False},
            {"client": "leo", "assent": "withheld"},
            {"client": chance.choice(CLIENTS), "born": chance.choice(["2008-06-15", "2014-06-15", "2014-06-16"])},
            {"grant": chance.choice(GRANTS), "toggles": {feature: on}},
            {"grant": chance.choice(GRANTS), "status": chance.choice(["suspended", "ended"])},
            {"grant": chance.choice(GRANTS), "from": day.isoformat(), "until": None},
            {"grant": chance.choice(GRANTS), "until": day.isoformat()},
            {"new_grant": {"client_id": chance.choice(CLIENTS), "account_id": "nina", "kind": kind}},
            {"new_grant": {"client_id": "mia", "account_id": "sam", "kind": "guardian", "toggles": {feature: on}}},
            {"withhold": {"grant": item[0], "type": item[1], "id": item[2], "on": on}},
            {"block": {"grant": chance.choice(GRANTS), "on": True}},
            {"staff": chance.choice(["ken", "lea"]), **chance.choice([{"subscribed": on}, {"state": "inactive"}])},
        ]
    )  # fmt: skip


@pytest.mark.parametrize("case", range(CASES))
def test_what_if_lists_exactly_what_the_change_made_for_real_does(
    case: int, acting: Acting, decider: Decider, comparison: Comparison, seeded_store: AccessStore
) -> None:
    """Changes drawn at random, several at once: what-if equals everything asked before and after."""
    chance = random.Random(SEED * 1000 + case)
    changes: list[dict[str, Any]] = []
    for _ in range(chance.randrange(1, 4)):
        change = draw(chance)
        try:
            what_if(acting, comparison, FROZEN, Asked("northgate", [*changes, change]))
        except CommandError:
            continue
        changes.append(change)
    foreseen = told(what_if(acting, comparison, FROZEN, Asked("northgate", changes)))
    before = everything(seeded_store, decider, FROZEN)
    for change in changes:
        make(acting, change)
    after = everything(seeded_store, decider, FROZEN)
    assert foreseen == (after - before, before - after), changes


@pytest.mark.parametrize("days", [0.5, 1, 40, 200, 1203])
def test_another_day_is_compared_exactly(
    days: float, acting: Acting, decider: Decider, comparison: Comparison, seeded_store: AccessStore
) -> None:
    """With no change but the day, what-if equals everything asked today and on that day."""
    then = FROZEN + timedelta(days=days)
    foreseen = told(what_if(acting, comparison, FROZEN, Asked("northgate", compare_at=then)))
    before, after = everything(seeded_store, decider, FROZEN), everything(seeded_store, decider, then)
    assert foreseen == (after - before, before - after)


def test_a_past_state_is_read_from_history(
    acting: Acting, comparison: Comparison, seeded_store: AccessStore, standing_clock: Any
) -> None:
    """A switch laid over a past day meets the rows of that day, not those of today."""
    switches.set_client_switch(acting, "mia", "documents", on=False)
    standing_clock.advance(days=1)
    change = [{"client": "mia", "switches": {"documents": False}}]
    now = told(what_if(acting, comparison, standing_clock.now, Asked("northgate", change)))
    then = told(
        what_if(acting, comparison, standing_clock.now, Asked("northgate", change, at=FROZEN - timedelta(days=1)))
    )
    assert now == (set(), set())
    assert ("dana", "mia", "view", "document", "doc_mia_school") in then[1]


def test_nothing_is_changed_by_asking(
    acting: Acting, comparison: Comparison, decider: Decider, seeded_store: AccessStore
) -> None:
    """After what-if everything is answered as before it."""
    before = everything(seeded_store, decider, FROZEN)
    what_if(acting, comparison, FROZEN, Asked("northgate", [{"practice": {"contacts_allowed": False}}]))
    assert everything(seeded_store, decider, FROZEN) == before


@pytest.mark.parametrize(
    ("staff", "change", "error"),
    [
        ("ken", {"grant": "g_sam_mia", "status": "ended"}, ForbiddenError),
        ("rex", {"practice": {"contacts_allowed": False}}, ForbiddenError),
        ("hal", {"client": "mia", "active": False}, NotFoundError),
        ("jo", {"grant": "g_exa_mia", "toggles": {"forms": True}}, ConflictError),
        ("jo", {"grant": "g_vic_vic", "toggles": {"forms": True}}, NotFoundError),
        ("jo", {"client": "mia", "switches": {"forms": None}}, InvalidError),
        ("jo", {"grant": "g_sam_mia", "from": "2027-01-02", "until": "2027-01-02"}, InvalidError),
        ("jo", {"practice": {"teen_from": 18}}, InvalidError),
        ("jo", {"grant": "g_sam_mia", "client": "mia"}, InvalidError),
        ("jo", {"new_grant": {"client_id": "mia", "account_id": "dana", "kind": "guardian"}}, ConflictError),
    ],
)
def test_a_change_that_could_not_be_made_cannot_be_supposed(
    staff: str, change: dict[str, Any], error: type[CommandError], acting: Acting, comparison: Comparison
) -> None:
    """Who may not do it, or what makes no sense, is refused as the change itself would be."""
    somebody = Acting(acting.store, acting.decider, Origin("test", "r1", f"staff/{staff}"))
    with pytest.raises(error):
        what_if(somebody, comparison, FROZEN, Asked("northgate", [change]))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            {"new_grant": {"client_id": "mia", "account_id": "sam", "kind": "guardian"}},
            {"new_grant": {"client_id": "mia", "account_id": "sam", "kind": "guardian"}},
        ),
        (
            {"client": "noah", "self_managing": "shared"},
            {"new_grant": {"client_id": "noah", "account_id": "leo", "kind": "self"}},  # Whose own account it is.
        ),
    ],
)
def test_a_change_must_fit_those_before_it(
    first: dict[str, Any], then: dict[str, Any], acting: Acting, comparison: Comparison
) -> None:
    """What stands in the way of the second when both are made: the first, or what no change names."""
    what_if(acting, comparison, FROZEN, Asked("northgate", [first]))
    with pytest.raises(ConflictError):
        what_if(acting, comparison, FROZEN, Asked("northgate", [first, then]))


BIRTHDAYS: list[tuple[str, int, str]] = [
    ("2011-09-30", 18, "2029-09-30"),
    ("2008-02-29", 19, "2027-03-01"),  # No 29 February: it is 1 March.
    ("2008-02-29", 20, "2028-02-29"),
    ("2009-03-08", 18, "2027-03-08"),
    ("2009-03-14", 18, "2027-03-14"),  # The clocks go forward at two.
    ("2008-11-01", 18, "2026-11-01"),  # The clocks go back at two.
]


@pytest.mark.parametrize(("born", "years", "day"), BIRTHDAYS)
def test_access_changes_by_itself_on_the_birthday(  # noqa: PLR0917 - a row, and what it is tried on
    born: str, years: int, day: str, acting: Acting, decider: Decider, seeded_store: AccessStore,
    comparison: Comparison, standing_clock: Any,
) -> None:  # fmt: skip
    """A guardian's access to a minor ends with the practice's midnight at which the client comes of age."""
    people.update_client(acting, "leo", {"born": born})
    switches.update_practice(acting, "northgate", {"adult_from": years})
    midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), ZONE)
    for span, allowed in ((-1, True), (0, False)):
        now = midnight.astimezone(ZoneInfo("UTC")) + timedelta(microseconds=span)
        standing_clock.now = now
        request = Request("account", "dana", "view", "document", "doc_leo_school", now, authn=SIGNED_IN)
        with seeded_store.deciding() as access:
            assert decider.decide(access, request).allowed is allowed
    before = midnight - timedelta(microseconds=1)
    _, loses = told(what_if(acting, comparison, FROZEN, Asked("northgate", at=before, compare_at=midnight)))
    assert ("dana", "leo", "view", "document", "doc_leo_school") in loses


@pytest.fixture
def count_statements(seeded_store: AccessStore) -> Callable[[], int]:
    from sqlalchemy import event

    counted: list[str] = []
    event.listen(seeded_store.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    return lambda: len(counted)


def test_a_practice_is_read_in_a_handful_of_statements(
    acting: Acting, comparison: Comparison, count_statements: Callable[[], int]
) -> None:
    """However many families there are, a switch is supposed with the same few statements."""
    acting.reaches("northgate")
    before = count_statements()
    what_if(acting, comparison, FROZEN, Asked("northgate", [{"practice": {"switches": {"documents": False}}}]))
    assert count_statements() - before <= 40


@pytest.mark.parametrize(
    "more", [{"clients": frozenset({"rosa", "leo"})}, {"compare_at": datetime(2029, 3, 9, tzinfo=ZONE)}]
)
def test_a_change_that_one_may_make_tells_nothing_of_clients_whom_one_may_not_see(
    acting: Acting, comparison: Comparison, more: dict[str, Any]
) -> None:
    """Ken, who is assigned to Mia, is not told of Leo, nor of the whole practice on another day."""
    ken = Acting(acting.store, acting.decider, Origin("test", "r1", "staff/ken"))
    change = {"client": "mia", "switches": {}, "assent": "withheld"}
    asked = Asked("northgate", [change], **more)
    with pytest.raises(ForbiddenError):
        what_if(ken, comparison, FROZEN, asked)
    what_if(ken, comparison, FROZEN, Asked("northgate", [change]))
    what_if(acting, comparison, FROZEN, asked)
