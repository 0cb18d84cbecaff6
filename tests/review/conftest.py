"""Decisions over the cast, recorded as the service records them, and bundles to replay them against."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import insert

from authz_service.engine import BundleError, load_policy
from authz_service.facts.decision import KNOWN_BY, Decider
from authz_service.facts.request import Authn, Request
from authz_service.storage.surveying import Bounds
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.legend import Legend
from authz_service.trail.records import rows_of
from authz_service.trail.segments import Link
from authz_service.workbench.mutation_testing import Laboratory
from models.tables.trail import RECORDS
from tests.conftest import ROOT, StandingClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.facts.rows import Access
    from authz_service.storage import AccessStore
    from authz_service.storage.surveying import Survey

POLICIES = ROOT / "policies"
ACCOUNTS = ("rosa", "dana", "sam", "leo", "tom", "harbor", "maple", "gus", "ada", "cara", "pam", "exa", "vic", "nobody")
STAFF = ("priya", "jo", "ken", "lea", "sky", "bea", "rex", "hal", "sol")
CLIENTS = ("rosa", "mia", "leo", "noah", "arlo", "dana", "vic", "wren", "uma", "unknown")
AUTHN = (Authn(), Authn(("pwd",), False), Authn(("pwd", "otp"), False), Authn(("pwd", "otp"), True))
# What a question may send, beside what is registered of the item.
PROPERTIES: dict[str, Sequence[Any]] = {
    "addressee_id": (*ACCOUNTS[:6], None),
    "state": ("draft", "open", "paid", "released", "signed", "sent", "completed", "booked"),
    "balance_due_cents": (0, 100),
    "category": ("general", "legal", "sensitive", "minor_consented", "part2"),
    "provider_id": ("ken", "lea", None),
    "participant_ids": (["dana", "ken"], ["sam"], []),
    "signer_rule": ("nobody", "client", "any_guardian", "named"),
    "signer_ids": (["dana"], []),
    "starts_at": ("2026-06-15T20:00:00Z", "2026-07-01T20:00:00Z", "2026-01-01T20:00:00Z"),
}
# Without this rule nobody reads whether an item is withheld: (file, old text, new text).
WITHHELD = """forbid(_rep: Representative, action, resource, "item.withheld") if
    existing(action, resource) and
    resource.withheld;
"""
UNREAD = ("limits/item.polar", WITHHELD, "")


@dataclass
class Recording:
    """Decisions of one bundle over the cast's rows, put into the trail's table."""

    store: AccessStore
    policy: Policy
    clock: StandingClock
    number: int = 0
    decider: Decider = field(init=False)
    legend: Legend = field(init=False)

    def __post_init__(self) -> None:
        self.decider, self.legend = Decider(self.policy), Legend(self.policy)
        self.write(self.legend.record(self.at))

    @property
    def at(self) -> int:
        return int(self.clock.now.timestamp() * 1_000_000)

    def ask(self, access: Access, request: Request, *, what_if: str | None = None) -> tuple[Any, ...]:
        """One question, as the item of a record."""
        decision = self.decider.decide(access, request)
        facts = " ".join(map(self.legend.abbreviate, decision.situations))
        client_id = request.properties.get("client_id")
        if client_id is None and request.resource_id is not None:
            known = access.item(request.resource_type, request.resource_id)
            client_id = request.resource_id if request.resource_type in KNOWN_BY else (known or {}).get("client_id")
        question = (*request[:5], client_id, "northgate")
        return (*question, decision.allowed, decision.grant_id, facts, decision.error, what_if)

    def write_items(self, items: Sequence[tuple[Any, ...]]) -> str:
        """A record of these items; the id of its first."""
        body = {"type": "decision", "at": self.at, "bundle": self.policy.digest, "items": items}
        self.write(orjson.dumps(body))
        return f"decisions:{self.number}:0:0"

    def write(self, record: bytes) -> None:
        self.number += 1
        rows = rows_of(Link("decisions", self.number, "0" * 64), 0, record)
        with self.store.database.writing(EVERYTHING) as session:
            session.connection().execute(insert(RECORDS), rows)


@dataclass
class Questions:
    """Random questions about the cast, most of them about a client of whoever asks."""

    chance: random.Random
    policy: Policy
    pairs: list[tuple[str, str]]
    items: dict[tuple[str, str], list[str]]  # client, type -> ids

    @classmethod
    def of(cls, survey: Survey, policy: Policy, seed: int) -> Questions:
        bounds = Bounds("northgate")
        items: dict[tuple[str, str], list[str]] = {}
        for kind in policy.resource_types:
            for item in survey.items_in(kind, bounds, None):
                known = survey.item(kind, item) or {}
                items.setdefault((known.get("client_id", ""), kind), []).append(item)
        clients = survey.rows.clients("northgate")
        pairs = [(grant.account_id, client) for client in clients for grant in survey.rows.grants_on(client)]
        return cls(random.Random(seed), policy, pairs, items)

    def draw(self, clock: StandingClock) -> Request:
        chance = self.chance
        kind = chance.choice(list(self.policy.resource_types))
        action = chance.choice(self.policy.resource_types[kind])
        subject, client = chance.choice(self.pairs)
        staff = chance.random() < 0.2
        if staff:
            subject = chance.choice(STAFF)
        elif chance.random() < 0.1:
            subject = chance.choice(ACCOUNTS)
        item = client if kind in KNOWN_BY else chance.choice([*self.items.get((client, kind), ()), f"{kind}_x"])
        sent: dict[str, Any] = {} if chance.random() < 0.2 else {"client_id": client}
        if chance.random() < 0.05:
            sent["client_id"] = chance.choice(CLIENTS)
        for name, values in PROPERTIES.items():
            if chance.random() < 0.25:
                sent[name] = chance.choice(values)
        sent = {name: value for name, value in sent.items() if _fits(self.policy, kind, name, value)}
        authn = chance.choice(AUTHN)
        return Request("staff" if staff else "account", subject, action, kind, item, clock.now, sent, authn)


def _fits(policy: Policy, kind: str, name: str, value: Any) -> bool:
    """Whether a property is one that the facts of the type can be read from: what is malformed is another test's."""
    for fact in policy.resource_slots(kind):
        source = fact.source or {}
        if source.get("property") == name and "above" not in source and "store" not in source:
            raws = source.get("values") or {each: [each] for each in fact.values}
            listed = {raw for several in raws.values() for raw in several}
            if value not in listed and not (value is None and "map_null" in source):
                return False
    return True


@pytest.fixture(scope="session")
def laboratory() -> Laboratory:
    """Our bundle, in which mutants are tried."""
    return Laboratory(POLICIES)


@pytest.fixture(scope="session")
def mutated(laboratory: Laboratory) -> Callable[..., list[Policy]]:
    """So many mutants of ours that answer some question otherwise, each with a digest of its own.

    `within` limits them to the files, or folders, of these names.
    """

    def choose(count: int, seed: int, within: str | tuple[str, ...] = "") -> list[Policy]:
        chance = random.Random(seed)
        found: list[Policy] = []
        mutants = [mutant for mutant in laboratory.mutants() if mutant.file.startswith(within)]
        for mutant in chance.sample(mutants, len(mutants)):
            try:
                policy, changed = laboratory.load(mutant)
            except BundleError:
                continue
            if changed:
                policy.digest = f"mutant{len(found)}"
                found.append(policy)
            if len(found) == count:
                break
        return found

    return choose


def edited(folder: Path, edits: Iterable[tuple[str, str, str]], source: Path = POLICIES) -> Policy:
    """A bundle with texts of its files replaced (file, old, new); its invariants are left out."""
    shutil.copytree(source, folder)
    (folder / "invariants.yaml").unlink(missing_ok=True)
    for file, old, new in edits:
        text = (folder / file).read_text()
        assert text.count(old) == 1, (file, old, text.count(old))
        (folder / file).write_text(text.replace(old, new))
    return load_policy(folder)
