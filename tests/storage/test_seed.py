"""The seed: what the database says afterwards is what the world says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from authz_service.seed import seed_world, seeded_day
from policy_tests.world.load import access, load_world
from tests.conftest import WORLD_FILE

if TYPE_CHECKING:
    from authz_service.facts.rows import Relation
    from authz_service.storage import AccessStore


def unnumbered(relation: Relation | None) -> Relation:
    """Without the versions of grants: one that ended has a past, so it is at its second."""
    assert relation is not None
    first = {"grants": relation.grants, "client_grants": relation.client_grants}
    return replace(relation, **{name: tuple(replace(each, version=1) for each in old) for name, old in first.items()})


def test_days_before_the_seed_have_an_answer(seeded_store: AccessStore) -> None:
    """The world has always been so; a grant that has ended was active until it did."""
    statuses = {}
    for day in ("2015-01-01", "2025-06-29", "2025-06-30", "2026-06-14"):
        at = datetime.fromisoformat(f"{day}T12:00:00-07:00")
        with seeded_store.reading(at=at) as rows:
            grant = rows.grant("g_exa_mia")
        statuses[day] = None if grant is None else grant.status.value
    assert statuses == {"2015-01-01": "active", "2025-06-29": "active", "2025-06-30": "ended", "2026-06-14": "ended"}


def test_a_database_is_seeded_once(seeded_store: AccessStore) -> None:
    """A second seed changes nothing and says so."""
    assert seeded_day(seeded_store) == date(2026, 6, 15)
    assert seed_world(seeded_store, WORLD_FILE) is False


def test_what_is_stored_is_what_the_world_says(seeded_store: AccessStore) -> None:
    """Every relation, post and item that a question can read is the same from the database as from the world."""
    world = load_world()
    snapshot = access(world)
    with seeded_store.deciding() as stored:
        for client in world.clients:
            for account in (None, "nobody", *world.accounts):
                assert unnumbered(stored.relation(account, client)) == snapshot.relation(account, client)
        for member in world.staff:
            assert stored.post(member) == snapshot.post(member)
        for account in world.accounts:
            assert stored.clients_of(account) == snapshot.clients_of(account)
        for kind, item_id, _ in world.items:
            assert stored.item(kind, item_id) == snapshot.item(kind, item_id)
        for kind, item_id in (("client", "mia"), ("grant", "g_dana_mia"), ("practice", "solo"), ("invoice", "none")):
            assert stored.item(kind, item_id) == snapshot.item(kind, item_id)
