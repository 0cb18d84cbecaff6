"""No time is given twice, whoever asks at the same moment; on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from gateway.portal.schedule import claims
from gateway.portal.schedule.claims import Changed, Clashing, NotFree, TooMany, Wish
from gateway.records.store import RecordsStore
from models.tables.mail import Notice
from models.tables.records import Appointment, Outbox
from models.tables.scheduling import Availability, SchedulingRule
from tests.conftest import FROZEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlmodel import Session

PACIFIC = ZoneInfo("America/Los_Angeles")
NINE = datetime(2026, 6, 25, 9, tzinfo=PACIFIC).astimezone(UTC)
CLIENTS = ("rosa", "mia", "arlo", "dana")
ASKED = 32


def availability(staff_id: str) -> Availability:
    return Availability(
        staff_id=staff_id,
        practice_id="northgate",
        slot_minutes=50,
        title="Session",
        place="Video",
        hours=[{"weekday": 3, "from": 540, "until": 720}],
        exceptions=[],
    )


@pytest.fixture
def stores(records_url: str) -> Iterator[list[RecordsStore]]:
    """Four gateways on one database; afterwards it is as it was."""
    opened = [RecordsStore(records_url) for _ in range(4)]
    with opened[0].session("northgate", writing=True) as session:
        before = set(session.exec(select(Appointment.id)))
        kept = [row.model_dump() for row in session.exec(select(Availability))]
        session.execute(delete(Availability))
        session.add_all([availability("ken"), availability("lea")])
    yield opened
    with opened[0].session("northgate", writing=True) as session:
        session.execute(delete(Appointment).where(col(Appointment.id).not_in(before)))
        session.execute(delete(Outbox).where(col(Outbox.id).not_in(before), col(Outbox.type) == "appointment"))
        session.execute(delete(Notice).where(col(Notice.item_id).not_in(before)))
        session.execute(delete(Notice).where(col(Notice.path) == "/admin/appointments"))
        session.execute(delete(Availability))
        session.execute(delete(SchedulingRule))
        session.add_all([Availability(**row) for row in kept])
    for store in opened:
        store.close()


def wish(client: str = "rosa", provider: str = "ken", start: datetime = NINE, key: str = "k") -> Wish:
    return Wish("northgate", client, provider, start, PACIFIC, FROZEN, FROZEN + timedelta(hours=24), client, key)


def outcome(store: RecordsStore, work: Callable[[Session], Any], *, writing: bool = True) -> str:
    try:
        with store.session("northgate", writing=writing) as session:
            work(session)
    except (NotFree, Clashing, Changed, TooMany) as refusal:
        return type(refusal).__name__
    return "taken"


def together(number: int, attempt: Callable[[int], str]) -> list[str]:
    """The outcomes of attempts that begin at the same moment."""
    gate = threading.Barrier(number)

    def run(index: int) -> str:
        gate.wait()
        return attempt(index)

    with ThreadPoolExecutor(number) as pool:
        return sorted(pool.map(run, range(number)))


def standing(store: RecordsStore) -> list[Appointment]:
    with store.session("northgate") as session:
        return list(session.exec(select(Appointment).where(Appointment.starts_at == NINE)))


def test_of_thirty_two_who_ask_for_one_time_one_has_it(stores: list[RecordsStore]) -> None:
    """Four clients, eight forms each, four gateways: one appointment, and everyone else hears that it is gone."""
    outcomes = together(
        ASKED,
        lambda n: outcome(stores[n % 4], lambda session: claims.claim(session, wish(CLIENTS[n // 8], key=str(n)))),
    )
    assert outcomes == ["NotFree"] * (ASKED - 1) + ["taken"]
    assert len(standing(stores[0])) == 1


def test_one_account_holds_a_few_times_at_once(stores: list[RecordsStore], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it asks for all of them in one moment; with the limit out of the way (the control) it has them all."""
    most = claims.AT_ONCE_MAX["requested"]

    def ask(number: int) -> str:
        day, place = divmod(number, 3)
        start = NINE + timedelta(days=7 * day, minutes=50 * place)
        return outcome(stores[number % 4], lambda session: claims.claim(session, wish(start=start, key=str(number))))

    assert together(most + 3, ask) == ["TooMany"] * 3 + ["taken"] * most
    monkeypatch.setattr(claims, "AT_ONCE_MAX", {"requested": 99})
    assert together(most + 3, ask) == ["taken"] * (most + 3)


def test_without_holding_the_provider_two_have_the_same_time(
    stores: list[RecordsStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the lock taken out, two who have both looked before either wrote are both told yes."""
    looked = threading.Barrier(2, timeout=5)
    claimed = claims._claimed

    def look(*args: Any) -> Any:
        found = claimed(*args)
        looked.wait()
        return found

    monkeypatch.setattr(claims, "_hold", lambda _session, _wish: None)
    monkeypatch.setattr(claims, "_claimed", look)
    outcomes = together(
        2,
        lambda n: outcome(
            stores[n], lambda session: claims.claim(session, wish(CLIENTS[n], key=str(n))), writing=False
        ),
    )
    assert outcomes == ["taken", "taken"]
    assert len(standing(stores[0])) == 2


def test_one_client_never_holds_two_times_that_overlap(stores: list[RecordsStore]) -> None:
    """Two providers, one client, the same hour, at once: one of the two."""
    outcomes = together(
        ASKED,
        lambda n: outcome(
            stores[n % 4], lambda session: claims.claim(session, wish("mia", ("ken", "lea")[n % 2], key=str(n)))
        ),
    )
    assert outcomes.count("taken") == 1
    assert set(outcomes) == {"taken", "Clashing", "NotFree"}
    assert len(standing(stores[0])) == 1


def test_the_same_form_sent_often_is_one_appointment(stores: list[RecordsStore]) -> None:
    """A double click, a reload, eight tabs: every answer is the same appointment."""
    outcomes = together(
        8, lambda n: outcome(stores[n % 4], lambda session: claims.claim(session, wish(key="same form")))
    )
    assert outcomes == ["taken"] * 8
    (row,) = standing(stores[0])
    assert (row.requested_by, row.state, row.minutes, row.place) == ("rosa", "requested", 50, "Video")
    assert outcome(stores[0], lambda session: claims.claim(session, wish(key="another form"))) == "NotFree"


def test_a_moved_appointment_leaves_its_time_and_takes_the_other(stores: list[RecordsStore]) -> None:
    """It may move to a time that overlaps its own; somebody else's move to it meanwhile fails; sequence counts."""
    store = stores[0]
    with store.session("northgate", writing=True) as session:
        first = claims.claim(session, wish("rosa"))
        session.add(SchedulingRule(practice_id="northgate", confirms=claims.AUTOMATIC))
    ten = NINE + timedelta(minutes=50)
    outcomes = together(
        8,
        lambda n: outcome(
            stores[n % 4], lambda session: claims.move(session, first.id, first.sequence, wish("rosa", start=ten))
        ),
    )
    assert outcomes == ["Changed"] * 7 + ["taken"]
    with store.session("northgate", writing=True) as session:
        row = session.get_one(Appointment, first.id)
        assert (row.starts_at, row.sequence, row.state) == (ten, 1, "booked")
        assert claims.claim(session, wish("mia")).starts_at == NINE
    assert outcome(store, lambda session: claims.move(session, first.id, 1, wish("rosa"))) == "NotFree"


def test_a_cancelled_time_can_be_had_again_and_only_once_cancelled(stores: list[RecordsStore]) -> None:
    """Cancelling frees the time; who read the page before that is told that it has changed."""
    store = stores[0]
    with store.session("northgate", writing=True) as session:
        row = claims.claim(session, wish("rosa"))
    assert outcome(store, lambda session: claims.cancel(session, row.id, 0, FROZEN, by="rosa")) == "taken"
    assert outcome(store, lambda session: claims.cancel(session, row.id, 0, FROZEN, by="rosa")) == "Changed"
    assert outcome(store, lambda session: claims.decide(session, row.id, 1, FROZEN, accept=True)) == "Changed"
    assert outcome(store, lambda session: claims.claim(session, wish("mia"))) == "taken"


def test_a_request_is_answered_once(stores: list[RecordsStore]) -> None:
    """Accepted by one, declined by another at the same moment: one of the two holds."""
    with stores[0].session("northgate", writing=True) as session:
        row = claims.claim(session, wish("rosa"))
    outcomes = together(
        8,
        lambda n: outcome(stores[n % 4], lambda session: claims.decide(session, row.id, 0, FROZEN, accept=n % 2 == 0)),
    )
    assert outcomes == ["Changed"] * 7 + ["taken"]


@pytest.mark.parametrize(
    "asked",
    [
        wish(start=NINE + timedelta(minutes=1)),  # between two slots
        wish(start=NINE + timedelta(days=1)),  # a day without hours
        wish(start=NINE - timedelta(days=7 * 3)),  # past
        wish(start=NINE + timedelta(days=7 * 20)),  # too far ahead
        wish(provider="bea"),  # offers no times
        replace(wish(), earliest=NINE + timedelta(minutes=1)),  # within the notice
    ],
)
def test_only_a_time_on_offer_can_be_had(stores: list[RecordsStore], asked: Wish) -> None:
    """Whatever a form sends, it is one of the free slots or nothing."""
    assert outcome(stores[0], lambda session: claims.claim(session, asked)) == "NotFree"


def test_every_change_is_registered_in_its_own_transaction(stores: list[RecordsStore]) -> None:
    """Each change leaves its facts in the outbox, in order; a refused one leaves none."""
    with stores[0].session("northgate", writing=True) as session:
        row = claims.claim(session, wish("rosa"))
        claims.decide(session, row.id, 0, FROZEN, accept=True)
        claims.cancel(session, row.id, 1, FROZEN, by="rosa")
    outcome(stores[0], lambda session: claims.cancel(session, row.id, 1, FROZEN, by="rosa"))
    with stores[0].session("northgate") as session:
        entries = session.exec(select(Outbox).where(Outbox.id == row.id).order_by(col(Outbox.number))).all()
    assert [(entry.properties or {})["state"] for entry in entries] == ["requested", "booked", "cancelled"]


def test_a_change_is_told_to_the_family_and_to_the_provider(stores: list[RecordsStore]) -> None:
    """Asked for by one parent: the others may be told, that parent is not, and the therapist is; an answer is told
    to the family alone."""
    with stores[0].session("northgate", writing=True) as session:
        row = claims.claim(session, replace(wish("mia"), account_id="dana"))
        claims.decide(session, row.id, 0, FROZEN, accept=True)
    with stores[0].session("northgate") as session:
        told = session.exec(select(Notice).where(Notice.client_id == "mia").order_by(col(Notice.id))).all()
    assert [(one.subject_type, one.subject_id, one.but, one.item_id) for one in told] == [
        ("account", None, "dana", row.id),
        ("staff", "ken", None, None),
        ("account", None, None, row.id),
    ]
    assert told[0].path == f"/c/mia/appointments/{row.id}"
