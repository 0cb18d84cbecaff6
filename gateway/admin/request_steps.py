"""What keeps closed what a family asks for, and the smallest change that opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.authz_client import Asking, Question
from gateway.edge.errors import Rejected, Stale
from gateway.web.language import _
from gateway.web.words import FEATURES
from models.vocabulary import Feature, GrantStatus, PlanAudience, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from models.tables.requests import AccessRequest

_TOGGLE = "subject.toggle."
_CLIENT_SWITCH = "subject.client.switch."
_PRACTICE_SWITCH = "subject.practice.switch."
_PLANS = "subject.practice.plan_audience"
_SETTINGS = {"subject.practice.contacts": "contacts_allowed", "subject.practice.card_processing": "card_processing"}
# Whoever may open it signs in first, with a second factor where one is asked for.
_SIGNED_IN = ("pwd", "mfa")


@dataclass(frozen=True, slots=True)
class Step:
    """One change: the fact that it changes and to what. `for_others` is whom else it opens something to, or empty."""

    fact: str
    to: Any
    sentence: str
    for_others: str


@dataclass(frozen=True, slots=True)
class Way:
    """How to open what was asked for. `steps` is empty where it is open already, or where no click can open it."""

    is_open: bool
    steps: tuple[Step, ...] = ()


async def way_to_open(request: Request, row: AccessRequest, who: str, client: str) -> Way:
    """The fewest changes that a click can make. The question is tried out only, so it is nobody's look."""
    question = Question(row.action, row.resource_type, row.client_id, {"client_id": row.client_id})
    asking = Asking({"type": SubjectType.ACCOUNT.value, "id": row.account_id}, _SIGNED_IN)
    state = request.app.state
    allowed, context = await state.authz.evaluate(asking, question, explain=True, at=state.clock())
    if allowed:
        return Way(is_open=True)
    explanation = context.get("explanation") or {}
    for nearest in explanation.get("nearest", ()):
        # Facts that are missing are those of the item, and no item was asked about.
        changes = [change for change in nearest["changes"] if change["from"] is not None]
        if not changes:
            return Way(is_open=True)
        steps = [_step(change, who, client) for change in changes]
        if all(step is not None for step in steps):
            return Way(is_open=False, steps=tuple(step for step in steps if step is not None))
    return Way(is_open=False)


async def take_steps(request: Request, row: AccessRequest, steps: Sequence[Step]) -> bool:
    """Make the changes, those for fewest people last; False when one was refused or somebody else was faster."""
    authz, actor = request.app.state.authz, request.state.reader.actor
    practice_id = request.state.reader.practice_id
    toggles = {step.fact.removeprefix(_TOGGLE): True for step in steps if step.fact.startswith(_TOGGLE)}
    try:
        for step in steps:
            if step.fact.startswith(_PRACTICE_SWITCH):
                await authz.set_practice_switch(
                    practice_id, step.fact.removeprefix(_PRACTICE_SWITCH), on=True, actor=actor
                )
            elif step.fact.startswith(_CLIENT_SWITCH):
                await authz.set_client_switch(
                    row.client_id, step.fact.removeprefix(_CLIENT_SWITCH), on=True, actor=actor
                )
            elif step.fact in _SETTINGS:
                await authz.update_practice(practice_id, {_SETTINGS[step.fact]: True}, actor=actor)
            elif step.fact == _PLANS:
                await authz.update_practice(practice_id, {"plan_audience": step.to}, actor=actor)
        if toggles:
            for grant in await authz.grants_of_client(row.client_id):
                if grant["account_id"] == row.account_id and grant["status"] == GrantStatus.ACTIVE.value:
                    await authz.update_grant(grant["id"], {"toggles": toggles}, etag=grant["etag"], actor=actor)
    except (Rejected, Stale):
        return False
    return True


def _step(change: dict[str, Any], who: str, client: str) -> Step | None:
    fact, to = str(change["fact"]), change["to"]
    for prefix in (_TOGGLE, _CLIENT_SWITCH, _PRACTICE_SWITCH):
        if fact.startswith(prefix) and to is True:
            feature = _(FEATURES[Feature(fact.removeprefix(prefix))].label)
            if prefix == _TOGGLE:
                sentence, others = _("Switch on %(feature)s for %(who)s", feature=feature, who=who), ""
            elif prefix == _CLIENT_SWITCH:
                sentence = _("Switch on %(feature)s for %(client)s", feature=feature, client=client)
                others = _("everyone of this client who has it")
            else:
                sentence = _("Switch on %(feature)s for the practice", feature=feature)
                others = _("every family of the practice that has it")
            return Step(fact, to, sentence, others)
    if fact == "subject.practice.contacts" and to is True:
        return Step(fact, to, _("Allow portal access for contacts"), _("every contact of the practice"))
    if fact == "subject.practice.card_processing" and to is True:
        return Step(fact, to, _("Take card payments in the portal"), _("every family of the practice that has it"))
    if fact == _PLANS and to in set(PlanAudience):
        plans = {
            PlanAudience.CLIENT_ONLY.value: _("Show service plans to clients"),
            PlanAudience.CLIENT_AND_GUARDIANS.value: _("Show service plans to clients and guardians"),
        }
        return Step(fact, to, plans[to], _("every family of the practice")) if to in plans else None
    return None
