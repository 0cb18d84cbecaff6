"""An explanation of the service in plain words: the deciding sentence, who set it, and the levels it went through.

The levels are those of portals.md e2.1: practice, kind, client, person, item. Which of them says no is told by the
deciding rules, whose ids begin with the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.edge.authz_client import Asking, Question
from gateway.edge.viewing import AMR
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.words import FEATURES, KINDS
from models.vocabulary import Feature, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from starlette.requests import Request

FEATURE_OF: Mapping[str, Feature] = {
    "appointment": Feature.CALENDAR,
    "document": Feature.DOCUMENTS,
    "form": Feature.FORMS,
    "invoice": Feature.INVOICES,
    "service_plan": Feature.SERVICE_PLAN,
    "thread": Feature.MESSAGES,
}
LEVELS: Mapping[str, str] = {
    "practice": N_("Practice"),
    "kind": N_("Kind of access"),
    "client": N_("Client"),
    "person": N_("Person"),
    "item": N_("This item"),
}
# By rule: the level that says no, and what it says.
_RULES: Mapping[str, tuple[str, str]] = {
    "practice.switch_off": ("practice", N_("%(feature)s: off for the whole practice.")),
    "practice.contacts_off": ("practice", N_("The practice allows no portal access for contacts.")),
    "practice.plan_for_nobody": ("practice", N_("The practice shows service plans to nobody.")),
    "practice.plan_for_client_only": ("practice", N_("The practice shows service plans to the clients only.")),
    "client.switch_off": ("client", N_("%(feature)s: off for everyone of %(client)s.")),
    "client.inactive": ("client", N_("%(client)s is no longer in care.")),
    "client.assent_withheld": ("client", N_("%(client)s, a teen, does not agree to it.")),
    "client.of_age": ("client", N_("%(client)s is of age, and there is no proof of authority.")),
    "grant.pending": ("person", N_("%(name)s was invited and has not signed in yet.")),
    "grant.suspended": ("person", N_("The access of %(name)s is suspended.")),
    "grant.ended": ("person", N_("The access of %(name)s has ended.")),
    "grant.window": ("person", N_("Today is outside the dates of %(name)s's access.")),
    "grant.toggle_off": ("person", N_("%(feature)s: off for %(name)s.")),
    "person.blocked": ("person", N_("A safety block stands between %(name)s and %(client)s.")),
    "person.locked": ("person", N_("The sign-in of %(name)s is locked.")),
    "item.withheld": ("item", N_("Kept from %(name)s alone.")),
    "item.draft": ("item", N_("It is a draft, which no family sees.")),
    "item.copy_of_another": ("item", N_("It is another person's own copy.")),
    "item.minor_consented": ("item", N_("It is the minor's own: %(client)s consented to this care alone.")),
    "item.part2": ("item", N_("It is marked as protected (42 CFR Part 2): only %(client)s sees it.")),
    "item.sensitive_of_teen": ("item", N_("It is marked as sensitive, and %(client)s is a teen.")),
    "item.not_a_participant": ("item", N_("%(name)s takes no part in this conversation.")),
    "platform.psychotherapy_notes": ("item", N_("Psychotherapy notes are never shown in the portal.")),
    "platform.clinical_records": ("item", N_("Clinical records are never shown in the portal.")),
}
_KEPT_FROM_ALL = N_("Kept from everyone who represents %(client)s.")
# Which deciding fact tells who set it, by rule; for the others it is the one fact of the rule that somebody set.
_SETTERS: Mapping[str, str] = {"item.withheld": "resource.withheld", "person.blocked": "subject.blocked"}


_SEED = "seed"  # the system that filled an empty practice


@dataclass(frozen=True, slots=True)
class Set:
    """Who made something so, when (a day in words), and why where it was said; without a day `by` says all."""

    by: str
    on: str
    reason: str

    @property
    def sentence(self) -> str:
        """By Jo Ruiz, May 3, 2026. Reason: custody order."""
        if not self.on:
            return self.by
        told = _("By %(who)s, %(day)s.", who=self.by, day=self.on)
        return told + " " + _("Reason: %(reason)s", reason=self.reason) if self.reason else told


@dataclass(frozen=True, slots=True)
class Step:
    """One level of the chain: what it says, and whether it says no."""

    label: str
    sentence: str
    says_no: bool
    set: Set | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer for one person: yes or no, in one sentence, with the chain behind it."""

    allowed: bool
    sentence: str
    set: Set | None
    chain: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """The person whom an explanation is about: as the practice knows them, and what it set for them."""

    name: str
    kind: Kind
    toggles: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every explanation of a page shares: the client, the switches above, the names of the staff, the zone."""

    client: str
    practice_switches: Mapping[str, bool]
    client_switches: Mapping[str, bool]
    staff: Mapping[str, str]
    zone: ZoneInfo


async def explain_for(request: Request, account_id: str, question: Question) -> tuple[bool, Mapping[str, Any]]:
    """The answer for an account as after a full sign-in, asked as a look (the trail marks it so)."""
    subject = {"type": SubjectType.ACCOUNT.value, "id": account_id}
    at = request.app.state.clock().isoformat()
    decision, explanation = await request.app.state.authz.explain(Asking(subject, AMR, at=at), question)
    return decision, explanation


async def explain_all_for(
    request: Request, account_id: str, questions: Sequence[Question]
) -> list[tuple[bool, Mapping[str, Any]]]:
    """The same for several questions in one call, without who set what."""
    asking = Asking(
        {"type": SubjectType.ACCOUNT.value, "id": account_id}, AMR, at=request.app.state.clock().isoformat()
    )
    found: list[tuple[bool, Mapping[str, Any]]] = await request.app.state.authz.explain_all(asking, questions)
    return found


def in_words(
    allowed: bool, explanation: Mapping[str, Any], resource_type: str, subject: Subject, ground: Ground
) -> Why:
    """What the service explained, for an office manager."""
    words = {
        "feature": _(FEATURES[FEATURE_OF[resource_type]].label),
        "client": ground.client,
        "name": subject.name,
        "kind": _(KINDS[subject.kind]),
    }
    nos = {} if allowed else _nos(explanation, words, ground)
    chain = tuple(
        nos.get(level) or Step(_(label), _open(level, resource_type, words, subject, ground), says_no=False)
        for level, label in LEVELS.items()
    )
    if allowed:
        setter = _set_by(_fact(explanation, f"subject.toggle.{FEATURE_OF[resource_type].value}"), ground)
        sentence = _("%(name)s, %(kind)s, has this access.", **words)
        return Why(True, sentence, setter, chain)
    # What a kind never includes no switch brings; else the level nearest to the item is what can be changed for one.
    deciding = nos.get("kind") or next((step for step in reversed(chain) if step.says_no), None)
    if deciding is None:
        return Why(False, _("%(name)s has no access to %(client)s.", **words), None, chain)
    return Why(False, deciding.sentence, deciding.set, chain)


def _nos(explanation: Mapping[str, Any], words: Mapping[str, str], ground: Ground) -> dict[str, Step]:
    """The levels that say no, each with its first rule; a rule about one kind says no at the level of kinds."""
    found: dict[str, Step] = {}
    for rule in explanation.get("rules", []) if explanation["reason_admin"]["code"] == "forbidden" else ():
        if rule not in _RULES:
            continue
        level, sentence = _RULES[rule]
        fact = _deciding(rule, explanation["facts"])
        if rule == "item.withheld" and fact is not None and fact.get("set", {}).get("everyone"):
            sentence = _KEPT_FROM_ALL
        step = Step(_(LEVELS[level]), _(sentence, **words), says_no=True, set=_set_by(fact, ground))
        found.setdefault(level, step)
    kind_label = LEVELS["kind"]
    if explanation["facts"] and (not found or _takes_another_kind(explanation)):
        found["kind"] = Step(
            _(kind_label), _("%(kind)s: this kind of access never includes it.", **words), says_no=True
        )
    return found


def _takes_another_kind(explanation: Mapping[str, Any]) -> bool:
    """Whether nothing but another kind of access would make it a yes."""
    nearest = explanation["nearest"]
    return bool(nearest) and all(
        any(change["fact"] == "subject.kind" for change in each["changes"]) for each in nearest
    )


def _deciding(rule: str, facts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The fact that tells who set what a rule forbids by."""
    if rule in _SETTERS:
        return next((fact for fact in facts if fact["fact"] == _SETTERS[rule]), None)
    level = rule.partition(".")[0]
    of_rule = [fact for fact in facts if rule in fact.get("rules", ()) and fact.get("set")]
    return next((fact for fact in of_rule if fact.get("level") == level and fact["fact"] != "subject.kind"), None)


def _fact(explanation: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((fact for fact in explanation.get("facts", []) if fact["fact"] == name), None)


def _set_by(fact: Mapping[str, Any] | None, ground: Ground) -> Set | None:
    return None if not fact or not fact.get("set") else set_in_words(fact["set"], ground.staff, ground.zone)


def set_in_words(setter: Mapping[str, Any], staff: Mapping[str, str], zone: ZoneInfo) -> Set:
    """Who set something, by name; `setter` as the service tells it (`by`, `at`, `reason`)."""
    kind, _sep, name = str(setter["by"]).partition("/")
    if kind == SubjectType.STAFF.value:
        who = staff.get(name, name)
    elif kind == SubjectType.ACCOUNT.value:
        who = _("the family")
    elif name == _SEED:
        return Set(_("Unchanged since the practice was set up."), "", "")
    else:
        who = _("the system")
    on = datetime.fromisoformat(str(setter["at"])).astimezone(zone).date()
    return Set(who, day(on), str(setter.get("reason") or ""))


def _open(level: str, resource_type: str, words: Mapping[str, str], subject: Subject, ground: Ground) -> str:
    """What a level that does not say no has to say."""
    feature = FEATURE_OF[resource_type].value
    if level == "practice":
        on = ground.practice_switches.get(feature, True)
        text = N_("%(feature)s: on for the whole practice.") if on else N_("%(feature)s: off for the whole practice.")
    elif level == "client":
        on = ground.client_switches.get(feature, True)
        text = N_("%(feature)s: on for %(client)s.") if on else N_("%(feature)s: off for everyone of %(client)s.")
    elif level == "kind":
        text = N_("%(kind)s: may have it.")
    elif level == "person":
        on = subject.toggles.get(feature, False) or subject.kind is Kind.SELF
        text = N_("%(feature)s: on for %(name)s.") if on else N_("%(feature)s: off for %(name)s.")
    else:
        text = N_("Nothing about this item stands in the way.")
    return _(text, **words)
