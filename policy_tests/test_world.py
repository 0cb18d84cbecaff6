"""The one cast holds together: what it says of money, dates and people can be so."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from models.vocabulary import Feature
from models.world import RAW_PROPERTIES, WorldError
from models.world import load_world as read_world
from policy_tests.world.load import NORTHGATE, load_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORLD = load_world()


def test_the_frozen_moment_is_noon_in_the_practice() -> None:
    """Tests stand at 2026-06-15T12:00 in California."""
    assert WORLD.now.isoformat() == "2026-06-15T19:00:00+00:00"


@pytest.mark.parametrize("invoice", [item for kind, item in WORLD.records if kind == "invoice"])
def test_an_invoice_adds_up(invoice: str) -> None:
    """Lines less payments are the balance, and only what is paid in full is called paid."""
    item = WORLD.records["invoice", invoice]
    total = sum(line["amount_cents"] for line in item.display["lines"])
    payments = [row for row in WORLD.records.values() if row.display.get("invoice_id") == invoice]
    assert total - sum(row.display["amount_cents"] for row in payments) == item.properties["balance_due_cents"]
    assert (item.properties["balance_due_cents"] == 0) == (item.properties["state"] == "paid")
    assert all(row.client == item.client for row in payments)


def test_every_item_states_each_raw_property() -> None:
    """Nothing of the cast is missing by accident: what there is none of is written as null."""
    for item in WORLD.records.values():
        assert set(item.properties) == {"client_id", *RAW_PROPERTIES[item.type]}


def test_whoever_is_named_exists() -> None:
    """Providers and authors are staff of the item's practice; addressees, payers, fillers and copies are accounts."""
    for item in WORLD.records.values():
        own_staff = {row.id for row in WORLD.staff.values() if row.practice == item.practice}
        people = {**item.properties, **item.display}
        assert {people[key] for key in ("provider_id", "author") if key in people} <= own_staff
        named = {people.get(key) for key in ("addressee_id", "payer_id", "filler_id", "copy_of")} - {None}
        assert named <= set(WORLD.accounts)
        assert set(people.get("participant_ids", [])) <= own_staff | set(WORLD.accounts)


def test_every_client_has_appointments_past_and_to_come() -> None:
    """Calendars are not empty on either side of today."""
    for client in WORLD.clients:
        starts = [
            row.display["starts_at"]
            for row in WORLD.records.values()
            if row.type == "appointment" and row.client == client
        ]
        assert min(starts) < WORLD.now < max(starts)


def dates(value: Any) -> Iterator[date]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from dates(part)
    elif isinstance(value, date):
        yield value


def test_a_shift_moves_every_date_by_the_same_days_and_no_hour() -> None:
    """The demo's world is the tests' world on another day, also across a change of the clocks."""
    moved = load_world(shift_days=160)
    days = timedelta(days=160)
    for key, item in WORLD.records.items():
        before, after = list(dates(dict(item.display))), list(dates(dict(moved.records[key].display)))
        assert [_wall(day) + days for day in before] == [_wall(day) for day in after]
    assert moved.records["appointment", "appt_mia_2"].properties["starts_at"] == "2026-11-23T17:00:00Z"
    assert all(moved.clients[key].born == row.born + days for key, row in WORLD.clients.items())
    assert moved.grants["g_ada_arlo"].until == date(2026, 12, 31) + days
    assert "on November 2, 2026" in moved.display("document", "doc_mia_school")["body"]


def _wall(day: date) -> date:
    return day.replace(tzinfo=None) if isinstance(day, datetime) else day


def test_a_shift_changes_nobodys_toggles() -> None:
    """Ages move along, so the defaults of each grant stay what they are."""
    moved = load_world(shift_days=160)
    assert {key: row.toggles for key, row in moved.grants.items()} == {
        k: row.toggles for k, row in WORLD.grants.items()
    }


def test_toggles_start_from_the_kinds_defaults() -> None:
    """What a grant does not name is as the vocabulary says for the kind and the client's age."""
    on = {key: {feature for feature, state in row.toggles.items() if state} for key, row in WORLD.grants.items()}
    assert on["g_sam_mia"] == {Feature.BASICS, Feature.CALENDAR, Feature.DOCUMENTS}
    assert on["g_tom_arlo"] == {Feature.BASICS, Feature.CALENDAR}
    assert on["g_tom_rosa"] == set(Feature)
    assert on["g_leo_leo"] == set(Feature) - {Feature.INVOICES, Feature.PAYMENTS}
    assert Feature.MESSAGES in on["g_dana_mia"]
    assert Feature.MESSAGES not in on["g_dana_leo"]


def break_client(world: dict[str, Any]) -> None:
    world["items"]["invoice"]["inv_rosa_1"]["client_id"] = "nobody"


def break_property(world: dict[str, Any]) -> None:
    del world["items"]["document"]["doc_mia_school"]["copy_of"]


def break_withheld(world: dict[str, Any]) -> None:
    world["withheld"][0]["id"] = "doc_mia_lettre"


def break_grant(world: dict[str, Any]) -> None:
    world["grants"]["g_tom_rosa"]["client"] = "arlo"


def break_assignment(world: dict[str, Any]) -> None:
    world["staff"]["hal"]["assigned"] = ["mia"]


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (break_client, "inv_rosa_1"),
        (break_property, "copy_of"),
        (break_withheld, "doc_mia_lettre"),
        (break_grant, "g_tom_rosa"),
        (break_assignment, "hal"),
    ],
)
def test_a_world_that_cannot_be_is_refused_by_name(
    damage: Callable[[dict[str, Any]], None], named: str, tmp_path: Path
) -> None:
    """A slip in the file is an error that names the entry."""
    world = yaml.safe_load(NORTHGATE.read_text(encoding="utf-8"))
    damage(world)
    broken = tmp_path / "world.yaml"
    broken.write_text(yaml.safe_dump(world), encoding="utf-8")
    with pytest.raises(WorldError, match=named):
        read_world(broken)


def test_addresses_are_invented() -> None:
    """Every e-mail address ends in a domain that nobody can own."""
    emails = [row.email for row in WORLD.accounts.values()] + [row.email for row in WORLD.staff.values()]
    assert all(email.endswith(".example") for email in emails)
