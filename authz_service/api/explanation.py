"""Explanations as JSON: the whole truth for administrators, and the plain reason that a family may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.engine.explain import explain
from authz_service.engine.refusal import Reason, refusal_of
from authz_service.facts.decision import Reason as Denied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine import Policy
    from authz_service.engine.explain import Explanation
    from authz_service.engine.refusal import Refusal
    from authz_service.facts.decision import Decision, Situation

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
            "reason_admin": {"code": code, "text": text},
            "reason_user": None,
            "refusal": Reason.NOT_FOUND.value,
        }
    if decision.allowed:
        deciding = decision.situations[-1]
        return _told(policy, explain(deciding.question, deciding.subject, deciding.resource), None)
    explanations = [explain(each.question, each.subject, each.resource) for each in decision.situations]
    return _told(policy, min(explanations, key=_distance), refusal_to_tell(decision.situations))


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
