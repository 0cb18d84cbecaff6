"""Withholding, blocks, switches, practice settings and registered items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from authz_service.commands.resources import Registration, register_resources, remove_resource
from authz_service.commands.switches import set_client_switch, set_practice_switch, update_practice
from authz_service.commands.withholding import block, release, unblock, withhold
from authz_service.trail.changes import Origin
from models.tables.trail import RECORDS
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore

GATEWAY = Origin(caller="gateway", request_id="r3", actor="system/gateway")
INVOICE = {"client_id": "mia", "addressee_id": "dana", "state": "open", "balance_due_cents": 500}


def recorded(store: AccessStore) -> list[tuple[str, str | None, str | None]]:
    """Action, resource id and client of every change in the trail, but the seed's."""
    columns = (RECORDS.c.action, RECORDS.c.resource_id, RECORDS.c.client_id)
    with store.database.reading() as connection:
        rows = connection.execute(select(*columns).order_by(RECORDS.c.chain, RECORDS.c.number)).all()
    return [tuple(row) for row in rows if row.action != "practice.seed"]


def test_a_withheld_item_is_kept_from_that_account_only(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """At once, for every grant of the account; released again at once; repeating either changes nothing."""
    assert may("dana", "view", "document", "doc_mia_school")
    assert withhold(acting(), "g_dana_mia", "document", "doc_mia_school", "asked for") is True
    assert withhold(acting(), "g_dana_mia", "document", "doc_mia_school") is False
    assert not may("dana", "view", "document", "doc_mia_school")
    assert may("sam", "view", "document", "doc_mia_school")
    assert release(acting(), "g_dana_mia", "document", "doc_mia_school") is True
    assert release(acting(), "g_dana_mia", "document", "doc_mia_school") is False
    assert may("dana", "view", "document", "doc_mia_school")
    item = ("doc_mia_school", "mia")
    assert recorded(seeded_store) == [("withhold.create", *item), ("withhold.end", *item)]


def test_only_items_of_the_client_and_of_a_kind_that_can_be_withheld_are(acting: Callable[..., Acting]) -> None:
    """Another client's item and a profile are refused by name; an item not registered yet may be withheld ahead."""
    with pytest.raises(InvalidError, match="not one of the grant's client"):
        withhold(acting(), "g_dana_mia", "document", "doc_leo_school")
    with pytest.raises(InvalidError, match="what can is appointment, invoice"):
        withhold(acting(), "g_dana_mia", "profile", "mia")
    assert withhold(acting(), "g_dana_mia", "document", "doc_to_come") is True


def test_a_block_stands_between_one_account_and_one_client(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """It needs a reason, silences every grant of the two, and leaves other clients alone."""
    with pytest.raises(InvalidError, match="reason: is required"):
        block(acting(), "g_sam_mia", "  ")
    assert block(acting(), "g_sam_mia", "a court order of 10 June") is True
    assert not may("sam", "view", "document", "doc_mia_school")
    assert may("sam", "view", "document", "doc_leo_school")
    assert unblock(acting(), "g_sam_mia") is True
    assert unblock(acting(), "g_sam_mia") is False
    assert may("sam", "view", "document", "doc_mia_school")
    assert [action for action, _, _ in recorded(seeded_store)] == ["block.create", "block.end"]


def test_a_practice_switch_is_a_ceiling_for_everyone(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """Off is off for `self` too, in this practice only."""
    assert may("rosa", "view", "invoice", "inv_rosa_1")
    assert set_practice_switch(acting(), "northgate", "invoices", False).switches["invoices"] is False
    assert not may("rosa", "view", "invoice", "inv_rosa_1")
    set_practice_switch(acting(), "northgate", "invoices", False)
    set_practice_switch(acting(), "northgate", "invoices", True)
    assert may("rosa", "view", "invoice", "inv_rosa_1")
    assert recorded(seeded_store) == [("switch.update", "invoices", None)] * 2


def test_a_client_switch_reaches_one_client(acting: Callable[..., Acting], may: Callable[..., bool]) -> None:
    """The other clients keep the feature."""
    set_client_switch(acting(), "mia", "documents", False)
    assert not may("dana", "view", "document", "doc_mia_school")
    assert may("dana", "view", "document", "doc_leo_school")


@on_sqlite_only
@pytest.mark.parametrize(("feature", "on", "field"), [("telepathy", True, "feature"), ("invoices", "off", "on")])
def test_a_switch_that_makes_no_sense_is_refused(
    acting: Callable[..., Acting], feature: str, on: object, field: str
) -> None:
    """The field is named."""
    for change in (
        lambda: set_practice_switch(acting(), "northgate", feature, on),
        lambda: set_client_switch(acting(), "mia", feature, on),
    ):
        with pytest.raises(InvalidError) as caught:
            change()
        assert field in caught.value.fields


def test_switches_and_settings_are_their_own_administrators(acting: Callable[..., Acting]) -> None:
    """A therapist is refused; another practice's administrator finds nothing."""
    with pytest.raises(ForbiddenError):
        set_practice_switch(acting("ken"), "northgate", "invoices", False)
    with pytest.raises(ForbiddenError):
        update_practice(acting("bea"), "northgate", {"card_processing": False})
    for change in (
        lambda: set_practice_switch(acting("hal"), "northgate", "invoices", False),
        lambda: update_practice(acting("hal"), "northgate", {"card_processing": False}),
        lambda: set_client_switch(acting("hal"), "mia", "invoices", False),
        lambda: withhold(acting("hal"), "g_sam_mia", "document", "doc_mia_school"),
        lambda: block(acting("hal"), "g_sam_mia", "why"),
    ):
        with pytest.raises(NotFoundError):
            change()


def test_practice_settings_change_what_is_decided(acting: Callable[..., Acting], may: Callable[..., bool]) -> None:
    """The plan audience, contacts and cards."""
    assert not may("dana", "view", "service_plan", "plan_mia")
    practice = update_practice(acting(), "northgate", {"plan_audience": "client_and_guardians"}, "1")
    assert practice.version == 2
    assert may("dana", "view", "service_plan", "plan_mia")
    update_practice(acting(), "northgate", {"contacts_allowed": False})
    assert not may("dana", "view", "service_plan", "plan_mia")
    assert may("rosa", "pay", "invoice", "inv_rosa_1")
    update_practice(acting(), "northgate", {"card_processing": False})
    assert not may("rosa", "pay", "invoice", "inv_rosa_1")
    with pytest.raises(StaleError):
        update_practice(acting(), "northgate", {"card_processing": True}, "1")


@on_sqlite_only
@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"plan_audience": "all"}, "plan_audience"),
        ({"contacts_allowed": "no"}, "contacts_allowed"),
        ({"teen_from": 18}, "adult_from"),
        ({"teen_from": -1}, "teen_from"),
        ({"adult_from": 17.5}, "adult_from"),
        ({"notice_hours": True}, "notice_hours"),
        ({"zone": "UTC"}, "zone"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    acting: Callable[..., Acting], patch: dict[str, Any], field: str
) -> None:
    """Each with the field's name."""
    with pytest.raises(InvalidError) as caught:
        update_practice(acting(), "northgate", patch)
    assert field in caught.value.fields


def test_a_registered_item_answers_by_its_id(
    seeded_store: AccessStore, decider: Decider, may: Callable[..., bool]
) -> None:
    """As soon as it is registered, as soon as it changes, and no longer once it is removed."""

    def register(**changed: object) -> int:
        entry = Registration("invoice", "inv_new", {**INVOICE, **changed})
        return register_resources(seeded_store, decider, GATEWAY, {"*"}, [entry])

    assert not may("dana", "view", "invoice", "inv_new")
    assert register() == 1
    assert may("dana", "view", "invoice", "inv_new")
    assert register() == 0
    assert register(addressee_id="sam") == 1
    assert not may("dana", "view", "invoice", "inv_new")
    assert remove_resource(seeded_store, GATEWAY, {"*"}, "invoice", "inv_new") is True
    assert remove_resource(seeded_store, GATEWAY, {"*"}, "invoice", "inv_new") is False
    assert not may("dana", "view", "invoice", "inv_new", addressee_id="dana")
    actions = [action for action, _, _ in recorded(seeded_store)]
    assert actions == ["resource.register", "resource.register", "resource.remove"]


@on_sqlite_only
@pytest.mark.parametrize(
    ("kind", "properties", "field"),
    [
        ("spaceship", INVOICE, "type"),
        ("grant", {"client_id": "mia"}, "type"),
        ("invoice", {**INVOICE, "client_id": "zed"}, "properties.client_id"),
        ("invoice", {"state": "open"}, "properties.client_id"),
        ("invoice", {**INVOICE, "client_id": ["mia"]}, "properties.client_id"),
        ("invoice", {**INVOICE, "practice_id": "solo"}, "properties.practice_id"),
        ("invoice", {**INVOICE, "state": "lost"}, "properties.state"),
        ("invoice", {**INVOICE, "lines": ["content"]}, "properties.lines"),
        ("thread", {"client_id": "mia", "participant_ids": "dana"}, "properties.participant_ids"),
        ("appointment", {"client_id": "mia", "starts_at": "tomorrow"}, "properties.starts_at"),
    ],
)
def test_what_no_rule_could_read_is_not_registered(
    seeded_store: AccessStore, decider: Decider, kind: str, properties: dict[str, Any], field: str
) -> None:
    """The entry and its field are named, and none of the batch is kept."""
    entries = [Registration("invoice", "inv_good", INVOICE), Registration(kind, "x", properties)]
    with pytest.raises(InvalidError) as caught:
        register_resources(seeded_store, decider, GATEWAY, {"*"}, entries)
    assert f"resources.1.{field}" in caught.value.fields
    with seeded_store.deciding() as access:
        assert access.item("invoice", "inv_good") is None


def test_an_item_belongs_to_one_client_and_to_a_practice_within_reach(
    seeded_store: AccessStore, decider: Decider
) -> None:
    """It never moves to another client, and another practice's calling system neither takes nor removes it."""
    move = [Registration("invoice", "inv_mia_1", {**INVOICE, "client_id": "leo"})]
    with pytest.raises(ConflictError):
        register_resources(seeded_store, decider, GATEWAY, {"*"}, move)
    with pytest.raises(InvalidError, match="no such client"):
        register_resources(seeded_store, decider, GATEWAY, {"harborview"}, move)
    taken = [Registration("invoice", "inv_mia_1", {**INVOICE, "client_id": "wren"})]
    with pytest.raises(ConflictError):
        register_resources(seeded_store, decider, GATEWAY, {"harborview"}, taken)
    assert remove_resource(seeded_store, GATEWAY, {"harborview"}, "invoice", "inv_mia_1") is False
    with seeded_store.deciding() as access:
        item = access.item("invoice", "inv_mia_1")
    assert item is not None
    assert item["client_id"] == "mia"
