"""Explanations as JSON: the whole truth for administrators, and the plain reason that a family may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.engine.explain import explain
from authz_service.engine.refusal import Reason, refusal_of
from authz_service.facts.decision import Reason as Denied
from authz_service.storage.setters import About, setter_of
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.api.authzen import Asked
    from authz_service.engine import Policy
    from authz_service.engine.explain import Explanation
    from authz_service.engine.refusal import Refusal
    from authz_service.facts.decision import Decision, Situation
    from authz_service.storage.reading import Reading

# Who can change it stands in `controlled_by` of the facts.
_TEXTS = {
    Reason.LOCKED: "This sign-in is locked.",
    Reason.AUTHN: "This needs a stronger sign-in, or a password of your own.",
    Reason.STATUS: "Your access to this client is not active.",
    Reason.WINDOW: "Your access to this client does not cover today.",
    Reason.KIND: "Your kind of access does not include this.",
    Reason.CONTACTS: "The practice does not offer portal access to contacts.",
    Reason.PLAN_AUDIENCE: "The practice does not show service plans to you.",
    Reason.CARD_PROCESSING: "The practice does not take card payments here.",
    Reason.ASSENT: "The client has not agreed to share this.",
    Reason.PROOF: "The practice needs proof of your authority first.",
    Reason.AGE: "The client's age rules this out.",
    Reason.INACTIVE: "The client is no longer in care at the practice.",
    Reason.PRACTICE_SWITCH: "The practice has switched this off.",
    Reason.CLIENT_SWITCH: "The practice has switched this off for this client.",
    Reason.TOGGLE: "The practice has not switched this on for you.",
    Reason.PLATFORM: "This is never shown in the portal.",
}
_UNASKED = {
    Denied.NO_GRANT: "this account has no access to the client",
    Denied.UNKNOWN_SUBJECT: "the subject is not known",
    Denied.UNKNOWN_CLIENT: "the client is not known",
}


def describe(policy: Policy, decision: Decision) -> dict[str, Any]:
    """The explanation of a decision: of the grant that allowed, or of the one that came nearest to being allowed."""
    if not decision.situations:
        text = decision.error or (_UNASKED.get(decision.reason, "denied") if decision.reason else "denied")
        code = decision.reason.value if decision.reason else "error"
        return {
            "rules": [],
            "facts": [],
            "nearest": [],
            "grant_id": None,
            "reason_admin": {"code": code, "text": text},
            "reason_user": None,
            "refusal": Reason.NOT_FOUND.value,
        }
    if decision.allowed:
        deciding = decision.situations[-1]
        told = _told(policy, explain(deciding.question, deciding.subject, deciding.resource), None)
        return told | {"grant_id": deciding.grant_id}
    explained = [(explain(each.question, each.subject, each.resource), each.grant_id) for each in decision.situations]
    nearest, grant_id = min(explained, key=lambda pair: _distance(pair[0]))
    return _told(policy, nearest, refusal_to_tell(decision.situations)) | {"grant_id": grant_id}


def refusal_to_tell(situations: Iterable[Situation]) -> Refusal | None:
    """What a family may be told: only where each of its grants is refused for a reason that may be told."""
    return joined_refusal(refusal_of(each.question, each.subject) for each in situations)


def joined_refusal(refusals: Iterable[Refusal | None]) -> Refusal | None:
    """One refusal for several grants; None as soon as one of them may not be told."""
    ranks = list(Reason)
    told = list(refusals)
    if not told or any(refusal is None for refusal in told):
        return None
    return min((refusal for refusal in told if refusal is not None), key=lambda refusal: ranks.index(refusal.reason))


def reason_user(refusal: Refusal) -> dict[str, Any]:
    """A refusal as a family may read it."""
    facts = [
        {"fact": fact.name, "value": fact.value, "controlled_by": fact.controlled_by.value, "says": fact.says}
        for fact in refusal.facts
    ]
    return {"code": refusal.reason.value, "text": _TEXTS[refusal.reason], "facts": facts}


def tell_setters(rows: Reading, asked: Asked, explanation: Mapping[str, Any]) -> None:
    """Add to each deciding fact of an account's explanation who made it what it is, and when, as `set`."""
    grant = None if explanation["grant_id"] is None else rows.grant(explanation["grant_id"])
    if asked.subject_type != SubjectType.ACCOUNT or grant is None:
        return
    item = (asked.resource_type, asked.resource_id)
    about = About(asked.subject_id, grant.client_id, grant.practice_id, grant.id, item)
    for fact in explanation["facts"]:
        if found := setter_of(rows, fact["fact"], about):
            fact["set"] = found.content | ({"everyone": True} if found.everyone else {})


def _distance(explanation: Explanation) -> int:
    return len(explanation.nearest[0].changes) if explanation.nearest else 1_000


def _told(policy: Policy, explanation: Explanation, refusal: Refusal | None) -> dict[str, Any]:
    says = [policy.rules[rule].says for rule in explanation.rules if rule in policy.rules]
    text = explanation.error or " ".join(says) or "no rule permits it"
    return {
        "rules": list(explanation.rules),
        "facts": [
            {"fact": f.name, "value": f.value, "level": f.level.value, "says": f.says, "rules": list(f.rules)}
            for f in explanation.facts
        ],
        "nearest": [
            {
                "changes": [
                    {
                        "fact": change.fact,
                        "from": change.before,
                        "to": change.to,
                        "controlled_by": change.controlled_by.value,
                        "says": change.says,
                    }
                    for change in nearest.changes
                ]
            }
            for nearest in explanation.nearest
        ],
        "missing": list(explanation.missing),
        "reason_admin": {"code": explanation.because.value, "text": text},
        "reason_user": None if refusal is None else reason_user(refusal),
        "refusal": None if explanation.decision else (refusal.reason if refusal else Reason.NOT_FOUND).value,
    }
