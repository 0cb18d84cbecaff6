"""An import brings in all that it holds or nothing, says beforehand what it would do, and counts once."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.exporting import Wanted, read_export
from authz_service.commands.founding import found_practice
from authz_service.commands.grants import create_grant
from authz_service.commands.importing import run_import
from authz_service.commands.switches import set_client_switch
from authz_service.commands.withholding import block
from authz_service.storage import AccessStore, migrate
from authz_service.trail.changes import Origin
from models.vocabulary import Feature, Kind
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.commands.acting import Acting
    from authz_service.facts.decision import Decider
    from tests.conftest import StandingClock

NIA = {"id": "nia", "born": "2018-04-01"}
OLA_OF_NIA = {"account_id": "a_ola", "client_id": "nia", "kind": "guardian", "toggles": {"messages": True}}


def body(**parts: Any) -> dict[str, Any]:
    return {"key": "k1", "clients": [NIA], "grants": [OLA_OF_NIA], **parts}


def test_a_dry_run_says_what_would_happen_and_does_nothing(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    found = run_import(acting(), "northgate", body(dry_run=True))
    assert (found["clients"], found["grants"], found["problems"]) == (["new"], [{"outcome": "new", "id": None}], [])
    with seeded_store.reading() as rows:
        assert rows.client("nia") is None
        assert rows.account("a_ola") is None


def test_what_an_import_brings_in_decides_at_once_with_the_usual_toggles_and_those_named(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    told = run_import(acting(), "northgate", body(grants=[{**OLA_OF_NIA, "status": "active"}]))
    assert told["grants"] == [{"outcome": "new", "id": "g_a_ola_nia"}]
    with seeded_store.reading() as rows:
        grant = rows.grant("g_a_ola_nia")
    assert grant is not None
    assert grant.toggles[Feature.MESSAGES]
    assert grant.toggles[Feature.CALENDAR]
    assert may("a_ola", "open", "portal", "nia", client_id="nia")


def test_the_same_key_counts_once_and_another_body_under_it_is_refused(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    first = run_import(acting(), "northgate", body())
    assert run_import(acting(), "northgate", body()) == first
    with seeded_store.reading() as rows:
        assert len(rows.grants_on("nia")) == 1
    with pytest.raises(ConflictError, match="was used for another import"):
        run_import(acting(), "northgate", body(grants=[]))


@pytest.mark.parametrize(
    ("parts", "place", "says"),
    [
        ({"clients": [NIA, NIA]}, "clients.1.id", "twice"),
        ({"clients": [{"id": "nia", "born": "04/01/2018"}], "grants": []}, "clients.0.born", "must be a day"),
        ({"grants": [{**OLA_OF_NIA, "kind": "aunt"}]}, "grants.0.kind", "none of"),
        ({"grants": [{**OLA_OF_NIA, "client_id": "zed"}]}, "grants.0.client_id", "no client of the practice"),
        ({"grants": [{**OLA_OF_NIA, "client_id": "vic"}]}, "grants.0.client_id", "no client of the practice"),
        ({"grants": [OLA_OF_NIA, OLA_OF_NIA]}, "grants.1.kind", "twice"),
        ({"grants": [{**OLA_OF_NIA, "kind": "adult_proxy"}]}, "grants.0.kind", "adult clients"),
        ({"grants": [{**OLA_OF_NIA, "kind": "self"}]}, "grants.0.kind", "manage a portal of their own"),
        ({"grants": [{**OLA_OF_NIA, "account_id": "ken"}]}, "grants.0", "staff member"),
        ({"grants": [{**OLA_OF_NIA, "from": "2026-05-02", "until": "2026-05-01"}]}, "grants.0.until", "after"),
        ({"grants": [{**OLA_OF_NIA, "toggles": {"fax": True}}]}, "grants.0.toggles.fax", "no feature"),
        ({"blocks": [{"account_id": "rosa", "client_id": "nia"}]}, "blocks.0.account_id", "no access"),
        ({"practice": {"teen_from": 18}}, "practice.adult_from", "above teen_from"),
    ],
)
def test_each_fault_is_named_by_its_place_and_nothing_is_brought_in(
    acting: Callable[..., Acting], seeded_store: AccessStore, parts: dict[str, Any], place: str, says: str
) -> None:
    told = run_import(acting(), "northgate", body(dry_run=True, **parts))
    assert {problem["at"] for problem in told["problems"]} == {place}
    assert says in told["problems"][0]["message"]
    with pytest.raises(InvalidError):
        run_import(acting(), "northgate", body(**parts))
    with seeded_store.reading() as rows:
        assert rows.client("nia") is None


def test_a_client_of_another_practice_is_not_taken_over(acting: Callable[..., Acting]) -> None:
    with pytest.raises((InvalidError, ConflictError)):
        run_import(acting(), "northgate", body(clients=[{"id": "vic", "born": "1990-01-01"}], grants=[]))


def test_a_failure_in_the_middle_undoes_all_of_it(
    acting: Callable[..., Acting], seeded_store: AccessStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from authz_service.storage.writing import Writer

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "record_all", fail)
        with suppress(RuntimeError):
            run_import(acting(), "northgate", body())
    with seeded_store.reading() as rows:
        assert rows.client("nia") is None
    assert run_import(acting(), "northgate", body())["grants"][0]["outcome"] == "new"


def test_a_change_since_the_dry_run_makes_it_be_shown_anew(acting: Callable[..., Acting]) -> None:
    mia = {"clients": [], "grants": [{"account_id": "a_ola", "client_id": "mia", "kind": "guardian"}]}
    seen = run_import(acting(), "northgate", {"key": "k2", "dry_run": True, **mia})["digest"]
    create_grant(acting(), "mia", {"account_id": "a_ola", "kind": "guardian"})
    with pytest.raises(ConflictError, match="changed since the dry run"):
        run_import(acting(), "northgate", {"key": "k2", "expected": seen, **mia})
    control = run_import(acting(), "northgate", {"key": "k2", "dry_run": True, **mia})["digest"]
    assert run_import(acting(), "northgate", {"key": "k2", "expected": control, **mia})["grants"][0] == {
        "outcome": "unchanged",
        "id": "g_a_ola_mia",
    }


@pytest.mark.parametrize(("differing", "outcome", "on"), [("keep", "kept", False), ("take", "changed", True)])
def test_what_is_there_and_differs_is_kept_unless_the_import_says_take(
    acting: Callable[..., Acting], seeded_store: AccessStore, differing: str, outcome: str, on: bool
) -> None:
    grants = [{"account_id": "sam", "client_id": "mia", "kind": "co_parent", "toggles": {"invoices": True}}]
    wanted = {"key": "k3", "grants": grants, "differing": differing}
    assert run_import(acting(), "northgate", wanted)["grants"] == [{"outcome": outcome, "id": "g_sam_mia"}]
    with seeded_store.reading() as rows:
        grant = rows.grant("g_sam_mia")
    assert grant is not None
    assert grant.toggles[Feature.INVOICES] is on


@pytest.mark.parametrize("actor", ["ken", "bea", "sky", "rex", "nobody"])
def test_only_who_runs_the_practice_imports_and_exports(
    acting: Callable[..., Acting], standing_clock: StandingClock, actor: str
) -> None:
    with pytest.raises(ForbiddenError):
        run_import(acting(actor), "northgate", body(dry_run=True))
    with pytest.raises(ForbiddenError):
        read_export(acting(actor), "northgate", Wanted(standing_clock()))


def test_another_practices_staff_find_no_such_practice(
    acting: Callable[..., Acting], standing_clock: StandingClock
) -> None:
    with pytest.raises(NotFoundError):
        run_import(acting("hal"), "northgate", body())
    with pytest.raises(NotFoundError):
        read_export(acting("hal"), "northgate", Wanted(standing_clock()))


def exported(acting: Acting, clock: StandingClock, limit: int = 3) -> dict[str, Any]:
    """Every page of an export as one import would take it."""
    parts: dict[str, Any] = {name: [] for name in ("clients", "grants", "withheld", "blocks", "assigned")}
    after, practice = "", None
    while True:
        found = read_export(acting, "northgate", Wanted(clock(), after, limit))
        practice = found["practice"] or practice
        for name in parts:
            parts[name] += found[name]
        after = found["next"]
        if not after:
            return {"practice": practice, **parts}


def as_import(export: dict[str, Any]) -> dict[str, Any]:
    """The export as the body of an import."""
    found = deepcopy(export)
    for grant in found["grants"]:
        del grant["id"]
    for entry in [*found["clients"], *found["grants"]]:
        for name in ("born", "from", "until"):
            if entry.get(name) is not None:
                entry[name] = entry[name].isoformat()
    practice = {name: value for name, value in found["practice"].items() if name not in ("id", "zone", "kind_defaults")}
    return {**found, "practice": practice, "key": "restored"}


def test_an_export_brought_into_an_empty_practice_gives_the_same_answers(
    acting: Callable[..., Acting], decider: Decider, standing_clock: StandingClock, tmp_path: Path
) -> None:
    set_client_switch(acting(), "rosa", "messages", on=False)
    block(acting(), "g_gus_mia", "an order of the court")
    there = AccessStore(f"sqlite:///{tmp_path / 'empty.db'}", standing_clock)
    migrate(f"sqlite:///{tmp_path / 'empty.db'}")
    found_practice(there, Origin("test", "r", "system/test"), "northgate", "America/Los_Angeles", "priya")
    ours = acting()
    owner = type(ours)(there, decider, Origin("test", "r2", "staff/priya"), frozenset({"*"}))
    told = run_import(owner, "northgate", as_import(exported(ours, standing_clock)))
    assert set(told["clients"]) == {"new"}
    both = [answers(ours, decider, standing_clock), answers(owner, decider, standing_clock)]
    there.close()
    assert both[0] == both[1]
    assert sum(both[0].values()) > 100
    # The control: without the toggles the answers differ.
    assert not all(both[0].values())


def answers(acting: Acting, decider: Decider, clock: StandingClock) -> dict[tuple[str, ...], bool]:
    """What each account may do with each client's items, asked with the properties of the item."""
    from authz_service.facts.request import Request
    from models.world import load_world
    from tests.conftest import WORLD_FILE

    world = load_world(WORLD_FILE)
    clients = sorted(client.id for client in world.clients.values() if client.practice == "northgate")
    found = {}
    with acting.store.deciding() as access:
        for account in sorted(world.accounts):
            for client_id in clients:
                for kind in ("portal", "calendar", "invoice", "document", "form", "thread", "service_plan"):
                    for action in ("open", "view", "pay", "download", "complete", "send", "subscribe"):
                        sent = {"client_id": client_id, "addressee_id": account, "state": "released", **_PLAIN[kind]}
                        request = Request("account", account, action, kind, f"x_{client_id}", clock(), sent)
                        found[account, client_id, kind, action] = decider.decide(access, request).allowed
            for item in world.records.values():
                if item.practice == "northgate":
                    sent = dict(item.properties)
                    sent["client_id"] = item.client
                    request = Request("account", account, "view", item.type, item.id, clock(), sent)
                    found[account, item.id] = decider.decide(access, request).allowed
    return found


_PLAIN: dict[str, dict[str, Any]] = {
    "portal": {},
    "calendar": {},
    "invoice": {"state": "open", "balance_due_cents": 100},
    "document": {"category": "general", "signer_rule": "nobody", "signer_ids": []},
    "form": {"state": "sent", "signer_rule": "nobody", "signer_ids": []},
    "thread": {"participant_ids": []},
    "service_plan": {},
}


@on_sqlite_only
def test_ten_thousand_rows_go_in_at_once(acting: Callable[..., Acting], seeded_store: AccessStore) -> None:
    clients = [{"id": f"c{number}", "born": "2018-04-01"} for number in range(2500)]
    grants = [
        {"account_id": f"a{number}", "client_id": f"c{number % 2500}", "kind": str(kind)}
        for number, kind in enumerate([Kind.GUARDIAN, Kind.CO_PARENT, Kind.PAYER, Kind.COMMUNITY] * 2500)
    ]
    wanted = {"key": "many", "clients": clients, "grants": grants}
    assert len(run_import(acting(), "northgate", wanted)["grants"]) == 10_000
    with seeded_store.reading() as rows:
        assert len(rows.clients("northgate")) == 2506
    with pytest.raises(InvalidError, match="at most 10000"):
        run_import(acting(), "northgate", {"key": "more", "grants": [*grants, grants[0]]})
