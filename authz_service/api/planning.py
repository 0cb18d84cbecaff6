"""One plan in the making: the or over the subject's seats towards one client, or towards every client there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.api.evaluation import reach
from authz_service.api.problems import ProblemError
from authz_service.engine.plan import MissingFactsError, Plan, PlanError, any_of, render_plan
from authz_service.facts.bindings import bindings_of
from authz_service.facts.decision import DeniedError
from authz_service.facts.request import Request
from authz_service.facts.sources import FactError
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from authz_service.api.authzen import Asked
    from authz_service.engine import Question
    from authz_service.facts.decision import Decider
    from authz_service.facts.derive import Seat
    from authz_service.facts.rows import Access
    from authz_service.storage.surveying import Survey
    from authz_service.tokens.verification import Caller


class Part(NamedTuple):
    """What is allowed among one client's items; None: whosever they are."""

    client_id: str | None
    plan: Plan


class Planning:
    """A question for a plan, with what one policy makes of it."""

    def __init__(self, decider: Decider, caller: Caller, asked: Asked, now: datetime, rows: Survey) -> None:
        self.decider = decider
        self.caller = caller
        self.asked = asked
        self.now = asked.at or now
        self.rows = rows
        question = (asked.subject_type, asked.subject_id, asked.action, asked.resource_type)
        # For no item in particular.
        self.request = Request(*question, None, self.now, authn=asked.authn)
        self.seats: list[Seat] = []
        self.parts: list[Part] = []
        self.asked_each = False  # of a practice's clients
        # What is registered of an item must not enter: a plan is about all of them.
        self.client_id, self.practice_id, self.reached = reach(rows, caller, asked._replace(resource_id=None))
        known = decider.policy.question(asked.subject_type, asked.action, asked.resource_type)
        if known is None:
            raise ProblemError(422, "there is no such question: subject type, action and resource type do not fit")
        self.question: Question = known

    def plan(self) -> Plan:
        """The plan; ProblemError when a fact it depends on cannot become a condition."""
        if self.reached:
            try:
                at_once = self.plan_at_once()
                self.asked_each = at_once is None
                self.parts = self.plan_for_each() if at_once is None else at_once
            except (PlanError, MissingFactsError) as error:
                raise ProblemError(422, f"there is no plan: {error}") from error
        return any_of(
            part.plan if part.client_id is None else part.plan.within({"eq": ["client_id", part.client_id]})
            for part in self.parts
        )

    def plan_at_once(self) -> list[Part] | None:
        """The parts of the plan; None where they hang on the client, so that each of the practice is asked about.

        Raises PlanError, MissingFactsError.
        """
        if self.client_id is not None:
            return [Part(None, self._towards(self.rows, self.asked.properties))]
        if self.asked.subject_type == SubjectType.ACCOUNT:
            return self._towards_each(self.rows, self.rows.clients_of(self.asked.subject_id))
        if self.practice is None:
            return []
        try:
            return [Part(None, self._towards(self.rows, {"practice_id": self.practice}))]
        except (PlanError, MissingFactsError):
            self.seats.clear()
            return None

    def plan_for_each(self) -> list[Part]:
        """A part for each client of the practice. Raises PlanError, MissingFactsError."""
        whole = None if self.practice is None else self.rows.whole(self.practice)
        return [] if whole is None else self._towards_each(whole, sorted(whole.clients))

    @property
    def practice(self) -> str | None:
        """The practice that a question of staff without a client is about."""
        post = self.rows.post(self.asked.subject_id)
        return None if post is None else self.practice_id or post.practice.id

    def _towards_each(self, access: Access, client_ids: Iterable[str]) -> list[Part]:
        found = []
        for client_id in client_ids:
            client = access.client(client_id)
            if client is not None and self.caller.may_reach(client.practice_id):
                found.append(Part(client_id, self._towards(access, {"client_id": client_id})))
        return found

    def _towards(self, access: Access, properties: Mapping[str, Any]) -> Plan:
        try:
            seats = self.decider.seats(access, self.request._replace(properties=properties), properties)
        except (DeniedError, FactError):
            return Plan.of(False)
        self.seats += seats
        return any_of(
            render_plan(self.question, seat.subject, bindings_of(seat.bound, self.asked.resource_type, self.now))
            for seat in seats
        )
