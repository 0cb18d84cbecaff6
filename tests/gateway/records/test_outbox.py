"""Facts of items reach the service in the order of their changes, and stay until they have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from gateway.edge.errors import CannotDecide
from gateway.records.outbox import OutboxCarrier
from models.tables.records import Invoice, Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.records.store import RecordsStore

pytestmark = pytest.mark.anyio


class Registry:
    """What the service would know, and whether it can be reached."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Any] = {}
        self.reachable = True

    async def register(self, resources: list[dict[str, Any]]) -> None:
        if not self.reachable:
            raise CannotDecide("not reachable")
        self.known |= {(entry["type"], entry["id"]): entry["properties"] for entry in resources}

    async def unregister(self, resource_type: str, resource_id: str) -> None:
        if not self.reachable:
            raise CannotDecide("not reachable")
        self.known.pop((resource_type, resource_id), None)


@pytest.fixture
def records_url(seeded_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "records.db"
    path.write_bytes(seeded_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def registry() -> Registry:
    return Registry()


def waiting(store: RecordsStore) -> int:
    with store.session("northgate") as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


async def test_every_item_of_the_seed_is_registered_with_its_facts_and_no_content(
    store: RecordsStore, registry: Registry
) -> None:
    await OutboxCarrier(store, registry).carry_all()  # type: ignore[arg-type]
    assert registry.known["invoice", "inv_rosa_1"] == {
        "client_id": "rosa",
        "addressee_id": "rosa",
        "state": "open",
        "balance_due_cents": 9000,
    }
    assert set(registry.known["thread", "thr_rosa_ken"]) == {"client_id", "provider_id", "participant_ids"}
    assert registry.known["appointment", "appt_mia_2"]["starts_at"] == "2026-06-16T16:00:00Z"
    assert ("document", "doc_wren_group") in registry.known
    assert waiting(store) == 0


async def test_what_did_not_arrive_stays(store: RecordsStore, registry: Registry) -> None:
    registry.reachable = False
    before = waiting(store)
    with pytest.raises(CannotDecide):
        await OutboxCarrier(store, registry).carry_all()  # type: ignore[arg-type]
    assert waiting(store) == before > 0


async def test_the_last_change_of_an_item_is_what_the_service_knows(store: RecordsStore, registry: Registry) -> None:
    carrier = OutboxCarrier(store, registry)  # type: ignore[arg-type]
    await carrier.carry_all()
    invoice = await store.item(Invoice, "northgate", "rosa", "inv_rosa_1")
    assert invoice is not None
    for state in ("void", "open", "paid"):
        invoice.state = state
        await store.save("invoice", invoice)
    await carrier.carry_all()
    assert registry.known["invoice", "inv_rosa_1"]["state"] == "paid"
    await store.remove("invoice", invoice)
    await carrier.carry_all()
    assert ("invoice", "inv_rosa_1") not in registry.known


async def test_a_change_and_its_registration_are_written_together_or_not_at_all(
    store: RecordsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await store.item(Invoice, "northgate", "rosa", "inv_rosa_1")
    assert invoice is not None
    invoice.state = "void"
    monkeypatch.setattr("gateway.records.store.outbox_entry", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await store.save("invoice", invoice)
    unchanged = await store.item(Invoice, "northgate", "rosa", "inv_rosa_1")
    assert unchanged is not None
    assert unchanged.state == "open"
