"""The events that the gateway enters in the trail, beside the decisions and changes that the service records itself.

`docs/operations.md` lists them; a test holds the list, the code and the page alike.
"""

from __future__ import annotations

EVENTS: dict[str, str] = {
    "appointment.accept": "staff accepted a requested appointment",
    "appointment.cancel": "somebody of the family cancelled an appointment",
    "appointment.decline": "staff declined a requested appointment",
    "appointment.request": "somebody of the family asked for or booked an appointment",
    "appointment.reschedule": "somebody of the family moved an appointment",
    "calendar.subscribe": "a secret calendar address was made; the one before ended",
    "calendar.unsubscribe": "a secret calendar address was ended",
    "document.added": "staff kept a new draft",
    "document.disclosed": "a document was sent to one person by a link",
    "document.released": "a draft was released to the family",
    "document.released.opened": "the link of a disclosure was opened and the document given out",
    "document.shared": "what one person handed in was shared with all who may see the documents",
    "document.signed": "a document was signed; the details hold its hash and the seal",
    "document.withdrawn": "a released document was made a draft again",
    "form.completed": "a form was completed without a signature",
    "form.sent": "staff sent a form",
    "form.signed": "a form was completed and signed",
    "password.change": "somebody changed their password",
    "password.reset": "a password was replaced through a mailed link",
    "payment.needs_refund": "a card was charged when nothing was due any more",
    "payment.received": "a card payment was received",
    "payment.returned": "staff marked a charge as returned",
    "practice.way_in": "staff changed how the practice lets people in",
    "profile.update": "somebody of the family changed the profile",
    "recovery_codes.renewed": "recovery codes were replaced",
    "scheduling.hours": "a therapist's weekly hours were changed",
    "scheduling.rule": "who confirms requests for appointments was changed",
    "second_factor.added": "a second factor was added",
    "second_factor.forgotten": "an operator took every second factor from somebody",
    "second_factor.removed": "a second factor was removed",
    "security_question.change": "a security question was registered",
    "sign_in.refused": "a name and password were refused; an unknown name is not written down",
    "sign_in.second_factor_refused": "a second factor was refused",
    "sign_in.succeeded": "a session began",
    "sign_out": "a session was ended by its reader",
    "sign_out.everywhere": "every session of somebody was ended by them",
    "sign_up.created": "a sign-up became a new client",
    "sign_up.declined": "a sign-up was declined",
    "sign_up.linked": "a sign-up was found to be a client whom the practice has",
}
