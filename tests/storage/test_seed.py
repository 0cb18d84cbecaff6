"""The seed: what the database says afterwards is what the world says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from authz_service.seed import seed_world, seeded_day
from policy_tests.world.load import access, load_world
from tests.conftest import WORLD_FILE

if TYPE_CHECKING:
    from authz_service.storage import AccessStore


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
                assert stored.relation(account, client) == snapshot.relation(account, client)
        for member in world.staff:
            assert stored.post(member) == snapshot.post(member)
        for account in world.accounts:
            assert stored.clients_of(account) == snapshot.clients_of(account)
        for kind, item_id, _ in world.items:
            assert stored.item(kind, item_id) == snapshot.item(kind, item_id)
        for kind, item_id in (("client", "mia"), ("grant", "g_dana_mia"), ("practice", "solo"), ("invoice", "none")):
            assert stored.item(kind, item_id) == snapshot.item(kind, item_id)
