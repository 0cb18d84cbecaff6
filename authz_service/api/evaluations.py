"""`POST /access/v1/evaluation` and `/access/v1/evaluations`: from body to answer, recorded before it is sent."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.authzen import Asked, MalformedError, Semantic
from authz_service.api.decoding import read_question, read_questions
from authz_service.api.evaluation import malformed
from authz_service.api.problems import ProblemError, lacks_scope
from authz_service.trail.writer import TrailUnavailableError
from models.vocabulary import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from authz_service.api.evaluation import Outcome
    from authz_service.api.exchange import Exchange
    from authz_service.api.service import Service
    from authz_service.facts.rows import Access
    from authz_service.tokens.verification import Caller

_ALLOWED = b'{"decision":true}'
_DENIED = b'{"decision":false}'
_STOP_AT = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}


async def answer_single(service: Service, exchange: Exchange) -> bytes:
    """The body of the answer; ProblemError for a whole request that is refused."""
    now = service.clock()
    caller = exchange.authenticate(service, now.timestamp(), Scope.EVALUATE)
    _require_json(exchange)
    return await _single(service, exchange, caller, now, read_question(exchange.body))


async def answer_batch(service: Service, exchange: Exchange) -> bytes:
    """The body of the answer, with an entry for each item that was evaluated."""
    now = service.clock()
    caller = exchange.authenticate(service, now.timestamp(), Scope.EVALUATE)
    _require_json(exchange)
    asked = read_questions(exchange.body)
    if isinstance(asked, Asked):
        return await _single(service, exchange, caller, now, asked)
    items, semantic = asked
    for item in items:
        if not isinstance(item, MalformedError):
            check_at(caller, item)
    outcomes = await _evaluate(service, exchange, caller, items, now, stop_at=_STOP_AT.get(semantic))
    recorded = [outcome.item for outcome in outcomes if outcome.item is not None]
    if recorded:
        await _record(service, exchange, caller, now, recorded)
    allowed = sum(outcome.allowed for outcome in outcomes)
    service.metrics.note_decisions(allowed, len(outcomes) - allowed)
    return orjson.dumps({"evaluations": [outcome.body() for outcome in outcomes]})


async def _single(service: Service, exchange: Exchange, caller: Caller, now: datetime, asked: Asked) -> bytes:
    check_at(caller, asked)
    (outcome,) = await _evaluate(service, exchange, caller, (asked,), now)
    await _record(service, exchange, caller, now, (outcome.item,))
    exchange.decision = outcome.allowed
    service.metrics.note_decisions(outcome.allowed, not outcome.allowed)
    if outcome.context is not None:
        return orjson.dumps(outcome.body())
    return _ALLOWED if outcome.allowed else _DENIED


async def _evaluate(
    service: Service,
    exchange: Exchange,
    caller: Caller,
    items: Sequence[Asked | MalformedError],
    now: datetime,
    *,
    stop_at: bool | None = None,
) -> list[Outcome]:
    if service.store.database.embedded:
        return evaluate_all(service, exchange, caller, items, now, stop_at=stop_at)
    return await asyncio.to_thread(evaluate_all, service, exchange, caller, items, now, stop_at=stop_at)


def evaluate_all(
    service: Service,
    exchange: Exchange,
    caller: Caller,
    items: Sequence[Asked | MalformedError],
    now: datetime,
    *,
    stop_at: bool | None = None,
) -> list[Outcome]:
    """The outcomes in order, up to and including the first that is `stop_at`."""
    evaluator, request_id = exchange.serving.evaluator, exchange.request_id
    outcomes: list[Outcome] = []
    instants: dict[datetime, Access] = {}  # What is asked of one instant is read once.
    with ExitStack() as opened:
        current = opened.enter_context(service.store.deciding(caller.practices))
        for item in items:
            if isinstance(item, MalformedError):
                outcome = malformed(item)
            elif item.at is None:
                outcome = evaluator.evaluate(current, caller, item, now, request_id)
            else:
                if item.at not in instants:
                    instants[item.at] = opened.enter_context(service.store.deciding(caller.practices, item.at))
                outcome = evaluator.evaluate(instants[item.at], caller, item, now)
            outcomes.append(outcome)
            if outcome.allowed is stop_at:
                break
    return outcomes


def decision_record(
    exchange: Exchange, caller: Caller, now: datetime, items: Sequence[tuple[Any, ...] | None]
) -> bytes:
    """The trail's record of these items."""
    return orjson.dumps(
        {
            "type": "decision",
            "at": int(now.timestamp() * 1_000_000),
            "request_id": exchange.request_id.decode("latin-1"),
            "caller": caller.client_id,
            "bundle": exchange.serving.digest,
            "items": items,
        }
    )


async def _record(
    service: Service, exchange: Exchange, caller: Caller, now: datetime, items: Sequence[tuple[Any, ...] | None]
) -> None:
    record = decision_record(exchange, caller, now, items)
    try:
        await service.writer.append(record)
    except TrailUnavailableError as error:
        raise ProblemError(503, f"denied: {error}") from error


def check_at(caller: Caller, asked: Asked) -> None:
    """Asking at another time needs a scope of its own; ProblemError 403 without it."""
    if asked.at is not None and Scope.ASK_AT not in caller.scopes:
        raise lacks_scope(Scope.ASK_AT)


def _require_json(exchange: Exchange) -> None:
    content_type = exchange.content_type
    if content_type != b"application/json" and content_type.split(b";")[0].strip().lower() != b"application/json":
        raise MalformedError("Content-Type must be application/json")
