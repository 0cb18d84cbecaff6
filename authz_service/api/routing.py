"""How an endpoint is declared, and how a declared endpoint is served."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from starlette.responses import Response
from starlette.routing import Route

from authz_service.api.authzen import read_object
from authz_service.api.evaluations import decision_record
from authz_service.api.problems import ProblemError
from authz_service.commands.errors import (
    CommandError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleError,
)
from authz_service.trail.writer import TrailUnavailableError
from models.vocabulary import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from starlette.requests import Request

    from authz_service.api.exchange import Exchange
    from authz_service.api.service import Service
    from authz_service.api.serving import Serving
    from authz_service.tokens.verification import Caller

ANSWER_SECONDS_MAX = 10.0
_JSON_TYPES = ("application/json", "application/merge-patch+json")
_STATUS = {NotFoundError: 404, ForbiddenError: 403, ConflictError: 409}
FORM_TYPE = "application/x-www-form-urlencoded"
B = TypeVar("B", bound=BaseModel)


@dataclass(slots=True)
class Reply:
    """What an endpoint answers. `records` are made durable in the trail before the answer is given."""

    content: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    records: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an endpoint."""

    service: Service
    exchange: Exchange
    now: datetime
    path: Mapping[str, str]
    query: Mapping[str, str]
    _caller: Caller | None = None
    document: Mapping[str, Any] = field(default_factory=dict)  # the body, where it is JSON
    headers: Sequence[tuple[bytes, bytes]] = ()  # as they came, names in lower case

    @property
    def caller(self) -> Caller:
        """The caller; only endpoints with a scope have one."""
        if self._caller is None:
            raise RuntimeError("a public endpoint has no caller")
        return self._caller

    def body(self, model: type[B]) -> B:
        """The body, checked against a model; ProblemError 422 names the fields that are wrong."""
        try:
            return model.model_validate(self.document)
        except ValidationError as error:
            fields = {".".join(str(part) for part in each["loc"]) or "body": each["msg"] for each in error.errors()}
            first = next(iter(fields))
            raise ProblemError(422, f"{first}: {fields[first]}", fields=fields) from error

    @property
    def serving(self) -> Serving:
        """The policy that this call goes by."""
        return self.exchange.serving

    @property
    def request_id(self) -> str:
        """The request's id, as the trail and the log write it."""
        return self.exchange.request_id.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header, for the description."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the route table. `run` is called in a thread, so it may wait for the database."""

    method: str
    path: str
    says: str
    run: Callable[[Call], Reply]
    scope: Scope | None = None  # None: public
    body: type[BaseModel] | None = None
    body_optional: bool = False
    reply: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()  # besides those that every endpoint with a scope or body has
    query: tuple[Parameter, ...] = ()
    form: bool = False
    status: int = 200
    media_type: str = "application/json"
    needs_match: bool = False  # If-Match: missing 428
    takes_actor: bool = False  # Kinguard-Actor
    headers: tuple[Parameter, ...] = ()  # others that it reads
    any_query: bool = False  # a proxy may add the query of the request that it asks about
    seconds: float = ANSWER_SECONDS_MAX  # by then there is an answer

    @property
    def needs_actor(self) -> bool:
        """Whether somebody must act; the trail is also read by the systems that keep watch over it, for nobody."""
        return self.takes_actor and self.scope is not Scope.TRAIL


def starlette_route(service: Service, endpoint: Endpoint) -> Route:
    """The endpoint as a Starlette route."""

    async def serve(request: Request) -> Response:
        exchange: Exchange = request.scope["kinguard.exchange"]
        exchange.route = endpoint.path
        now = service.clock()
        caller = None
        if endpoint.scope is not None:
            caller = exchange.authenticate(service, now.timestamp(), endpoint.scope)
        bodiless = endpoint.body is None or endpoint.form or (endpoint.body_optional and not exchange.body)
        document = {} if bodiless else _read_document(exchange, endpoint)
        query = {} if endpoint.any_query else _read_query(request, endpoint)
        call = Call(service, exchange, now, request.path_params, query, caller, document, request.headers.raw)
        try:
            async with asyncio.timeout(endpoint.seconds):
                reply = await asyncio.to_thread(endpoint.run, call)
                if reply.records:
                    await service.record(reply.records)
        except TimeoutError as error:
            raise ProblemError(503, "the answer took too long") from error
        except TrailUnavailableError as error:
            raise ProblemError(503, f"denied: {error}") from error
        except OperationalError as error:
            raise ProblemError(503, "the database cannot be reached, so nothing was done") from error
        except ForbiddenError as error:
            await _record_refusal(call, error)
            raise refusal_of_command(error) from error
        except CommandError as error:
            raise refusal_of_command(error) from error
        content = (
            reply.content
            if isinstance(reply.content, bytes)
            else orjson.dumps(reply.content, option=orjson.OPT_NON_STR_KEYS)
        )
        if reply.status == 204:
            return Response(status_code=204, headers=reply.headers)
        return Response(content, reply.status, reply.headers, reply.media_type)

    return Route(endpoint.path, serve, methods=[endpoint.method], name=f"{endpoint.method} {endpoint.path}")


async def _record_refusal(call: Call, error: ForbiddenError) -> None:
    """A change that the policy does not let someone make is a decision, and recorded like any other."""
    kind, _, name = error.actor.partition("/")
    situations = error.decision.situations if error.decision is not None else ()
    facts = " ".join(call.serving.evaluator.abbreviate(situation) for situation in situations)
    problem = error.decision.error if error.decision is not None else "only staff make changes"
    question = (kind, name, error.action, error.resource[0], error.resource[1])
    item = (*question, error.concerned[1], error.concerned[0], False, None, facts, problem, None)
    try:
        await call.service.record([decision_record(call.exchange, call.caller, call.now, [item])])
    except TrailUnavailableError as unavailable:
        raise ProblemError(503, f"denied: {unavailable}") from unavailable


def refusal_of_command(error: CommandError) -> ProblemError:
    """The problem that a refused command is answered with."""
    if isinstance(error, InvalidError):
        return ProblemError(422, str(error), fields=error.fields)
    if isinstance(error, StaleError):
        return ProblemError(412, str(error), headers={"etag": f'"{error.etag}"'})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    return ProblemError(status, str(error))


def _read_query(request: Request, endpoint: Endpoint) -> dict[str, str]:
    known = {parameter.name for parameter in endpoint.query}
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise ProblemError(400, f"there is no query parameter {name[:64]!r}", fields={name[:64]: "not known"})
        if name in found:
            raise ProblemError(400, f"the query parameter {name} is given twice", fields={name: "given twice"})
        found[name] = value
    return found


def _read_document(exchange: Exchange, endpoint: Endpoint) -> dict[str, Any]:
    authzen = endpoint.path.startswith("/access/v1/")
    media_type = exchange.content_type.split(b";")[0].strip().lower().decode("latin-1")
    if media_type not in (_JSON_TYPES[:1] if authzen else _JSON_TYPES):
        raise ProblemError(400 if authzen else 415, "Content-Type must be application/json")
    return read_object(exchange.body)
