"""The list is the filter of the check: what a list holds is exactly what single questions allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import and_
from sqlmodel import select

from gateway.edge.authz_client import Asking, Question
from gateway.records.filter import where
from gateway.records.store import properties_of
from models.tables.records import ITEMS
from models.vocabulary import SubjectType
from models.world import load_world
from tests.conftest import WORLD_FILE
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
WORLD = load_world(WORLD_FILE)
ACTIONS = {"document": ("view", "sign"), "invoice": ("view", "pay"), "form": ("view", "sign")}


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


def rows_of(site: Portal, kind: str, client_id: str, clause: Any = None) -> dict[str, Any]:
    table = ITEMS[kind]
    with site.state.records.session(WORLD.clients[client_id].practice) as session:
        chosen = select(table).where(table.client_id == client_id)
        return {row.id: row for row in session.exec(chosen if clause is None else chosen.where(and_(clause)))}


async def differences(site: Portal, subject: dict[str, str], client_ids: list[str]) -> tuple[list[str], int]:
    """Where list and checks differ for one subject, and how many items the lists hold."""
    authz, asking = site.state.authz, Asking(subject, ("pwd",))
    found: list[str] = []
    held = 0
    for client_id in client_ids:
        for kind in ITEMS:
            every = rows_of(site, kind, client_id)
            for action in ACTIONS.get(kind, ("view",)):
                plan = await authz.plan(asking, action, kind, {"client_id": client_id})
                listed = set(rows_of(site, kind, client_id, where(kind, plan.condition)))
                asked = [Question(action, kind, key, properties_of(kind, row)) for key, row in every.items()]
                answers = await authz.evaluate_all(asking, asked)
                allowed = {question.id for question, answer in zip(asked, answers, strict=True) if answer}
                held += len(listed)
                if listed != allowed:
                    found.append(f"{subject['id']} {action} {kind} of {client_id}: {listed ^ allowed}")
    return found, held


@pytest.mark.parametrize("account", sorted(WORLD.accounts))
async def test_every_list_of_a_family_is_what_its_checks_allow(site: Portal, account: str) -> None:
    own = {grant.client for grant in WORLD.grants.values() if grant.account == account}
    stranger = min(set(WORLD.clients) - own)
    subject = {"type": SubjectType.ACCOUNT.value, "id": account}
    found, held = await differences(site, subject, sorted({*own, stranger}))
    assert found == []
    assert bool(held) is (account not in {"pam", "exa"})


@pytest.mark.parametrize("member", ["jo", "ken", "lea", "bea", "rex", "hal"])
async def test_every_list_of_staff_is_what_their_checks_allow(site: Portal, member: str) -> None:
    subject = {"type": SubjectType.STAFF.value, "id": member}
    found, held = await differences(site, subject, ["leo", "mia", "wren"])
    assert found == []
    assert bool(held) is (member != "rex")
