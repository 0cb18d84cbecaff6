"""The rules of the set-up check in words: what was found, why it matters, and how it is mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.admin.check_contacts import ContactRule
from gateway.admin.switches import listed
from gateway.web.formats import count, day
from gateway.web.language import N_, _
from gateway.web.words import FEATURES
from models.vocabulary import Feature, Kind, SetUpRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.admin.check_contacts import Found


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule's title, why it matters, and its tone: bad, warn or info."""

    title: str
    why: str
    tone: str


@dataclass(frozen=True, slots=True)
class Mend:
    """A way out: a link (`href`), or one click that the check page carries out (`how`)."""

    label: str
    href: str = ""
    how: str = ""


# In the order of the page: what may show something to the wrong person comes first.
RULES: Mapping[str, RuleWords] = {
    ContactRule.TEEN_ADDRESS: RuleWords(
        N_("A teen's sign-in has a guardian's address"),
        N_("Whoever reads that mailbox can choose a new password and read what is the teen's own."),
        "bad",
    ),
    ContactRule.ADDRESS_TWICE: RuleWords(
        N_("One address, two people"),
        N_("Mail for one of them reaches the other. Perhaps one person was entered twice."),
        "bad",
    ),
    SetUpRule.EXCLUSIVE_TWICE: RuleWords(
        N_("An agency decides alone, and somebody else beside it"),
        N_("A caseworker and a guardian, or two caseworkers, rarely act for one client at the same time."),
        "bad",
    ),
    ContactRule.EXCLUSIVE_AUTHORITY: RuleWords(
        N_("Two people with sole authority"),
        N_("A court or an agency gave sole authority to each of them; one of the papers is probably out of date."),
        "bad",
    ),
    SetUpRule.GUARDIAN_OF_ADULT: RuleWords(
        N_("Guardian of a client who has come of age"),
        N_("Without proof of authority they see nothing any more. Put proof on file, or end the access."),
        "warn",
    ),
    SetUpRule.INVITED_NOT_SELF_MANAGING: RuleWords(
        N_("Invited, though marked as not managing a portal"),
        N_("A client who does not manage a portal of their own has a sign-in or an invitation."),
        "warn",
    ),
    ContactRule.STAFF_WITHOUT_FACTOR: RuleWords(
        N_("Staff without a second factor"),
        N_("A password alone opens what this staff member may read."),
        "warn",
    ),
    SetUpRule.SUBSCRIPTION_MISSING: RuleWords(
        N_("Conversations without a subscription"),
        N_("Families see the conversation and cannot write in it."),
        "warn",
    ),
    SetUpRule.STAFF_LEFT_WITH_CLIENTS: RuleWords(
        N_("Left the practice, with clients assigned"),
        N_("These clients have nobody in charge who works here."),
        "warn",
    ),
    SetUpRule.ACCESS_WITHOUT_PERMISSION: RuleWords(
        N_("Access that opens nothing"),
        N_("The person can sign in and finds an empty portal."),
        "warn",
    ),
    SetUpRule.ENDS_SOON: RuleWords(
        N_("Access ends soon, and nobody follows"),
        N_("After that day nobody of that kind acts for the client."),
        "warn",
    ),
    SetUpRule.WITHOUT_PROOF: RuleWords(
        N_("No proof of authority"),
        N_("They act for somebody else, and no paper on file shows that they may."),
        "warn",
    ),
    SetUpRule.PARENT_AS_CLIENT: RuleWords(
        N_("Entered as a client only to get a sign-in"),
        N_("They count as an active client. A parent needs no client record: a contact has a sign-in, too."),
        "info",
    ),
    SetUpRule.WINDOW_OVER: RuleWords(
        N_("Access whose last day has passed"),
        N_("It opens nothing any more. End it, so that the list is true, or give it a new last day."),
        "info",
    ),
    SetUpRule.NEVER_FOR_KIND: RuleWords(
        N_("Switched on, though it can never open"),
        N_("What the person is to the client rules it out, so the box only misleads."),
        "info",
    ),
    SetUpRule.ON_THOUGH_PRACTICE_OFF: RuleWords(
        N_("On for people, off for the whole practice"),
        N_("Nobody has it. Should the practice switch it on again, all of them have it at once."),
        "info",
    ),
    SetUpRule.ON_THOUGH_CLIENT_OFF: RuleWords(
        N_("On for people, off for their client"),
        N_("Nobody of this client has it. Once it is on again for the client, all of them have it at once."),
        "info",
    ),
    SetUpRule.INVITATION_WAITING: RuleWords(
        N_("Invitations that nobody took for a month"),
        N_("The link has expired. Send it again, or take the invitation back."),
        "info",
    ),
    SetUpRule.NOBODY_HAS_ACCESS: RuleWords(
        N_("In care, and nobody has a sign-in"),
        N_("No message, form or invoice reaches anybody by the portal."),
        "info",
    ),
}


def sentence(found: Found, who: Sequence[str], client: str, staff: str) -> str:
    """One finding in a sentence; `who` are the names of those it is about."""
    names, features = listed(list(who)), listed([_(FEATURES[Feature(name)].label) for name in found.features])
    told = {"who": names, "client": client, "staff": staff, "features": features}
    rule = found.rule
    if rule in {SetUpRule.ENDS_SOON, SetUpRule.WINDOW_OVER} and found.day is not None:
        told["day"] = day(found.day)
    if rule in {SetUpRule.ON_THOUGH_PRACTICE_OFF, SetUpRule.ON_THOUGH_CLIENT_OFF}:
        told["people"] = count(found.count, "person", "people")
    if rule == SetUpRule.STAFF_LEFT_WITH_CLIENTS:
        told["clients"] = count(found.count, "client", "clients")
    return _(_SENTENCES[rule], **told)


_SENTENCES: Mapping[str, str] = {
    ContactRule.TEEN_ADDRESS: N_("%(who)s have the same address, for %(client)s"),
    ContactRule.ADDRESS_TWICE: N_("%(who)s have the same address"),
    SetUpRule.EXCLUSIVE_TWICE: N_("%(who)s, for %(client)s"),
    ContactRule.EXCLUSIVE_AUTHORITY: N_("%(who)s, for %(client)s"),
    SetUpRule.GUARDIAN_OF_ADULT: N_("%(who)s, for %(client)s"),
    SetUpRule.INVITED_NOT_SELF_MANAGING: N_("%(client)s"),
    ContactRule.STAFF_WITHOUT_FACTOR: N_("%(staff)s"),
    SetUpRule.SUBSCRIPTION_MISSING: N_("%(staff)s"),
    SetUpRule.STAFF_LEFT_WITH_CLIENTS: N_("%(staff)s, with %(clients)s"),
    SetUpRule.ACCESS_WITHOUT_PERMISSION: N_("%(who)s, for %(client)s"),
    SetUpRule.ENDS_SOON: N_("%(who)s, for %(client)s: no access from %(day)s"),
    SetUpRule.WITHOUT_PROOF: N_("%(who)s, for %(client)s"),
    SetUpRule.PARENT_AS_CLIENT: N_("%(client)s"),
    SetUpRule.WINDOW_OVER: N_("%(who)s, for %(client)s: no access since %(day)s"),
    SetUpRule.NEVER_FOR_KIND: N_("%(who)s, for %(client)s: %(features)s"),
    SetUpRule.ON_THOUGH_PRACTICE_OFF: N_("%(features)s: %(people)s"),
    SetUpRule.ON_THOUGH_CLIENT_OFF: N_("%(client)s: %(features)s, %(people)s"),
    SetUpRule.INVITATION_WAITING: N_("%(who)s, for %(client)s"),
    SetUpRule.NOBODY_HAS_ACCESS: N_("%(client)s"),
}


def mends(found: Found, who: Sequence[str]) -> list[Mend]:
    """The ways out of a finding, the best one first."""
    client = f"/admin/clients/{found.client_id}"
    access = [
        Mend(_("Open the access of %(who)s", who=name), f"/admin/clients/{owner}/grants/{grant}")
        for name, (_account, owner, grant) in zip(who, found.pairs, strict=False)
    ]
    open_client, staff = (
        Mend(_("Open the client"), client),
        Mend(_("Open the staff member"), f"/admin/staff/{found.staff_id}"),
    )
    features = found.features[0] if found.features else ""
    everyone = [("kind", kind.value) for kind in Kind]
    off = [*everyone, ("feature", features), ("state", "off")]
    by_rule: dict[str, list[Mend]] = {
        SetUpRule.INVITED_NOT_SELF_MANAGING: [Mend(_("They share the portal: set “shared”"), how="share"), *access],
        ContactRule.STAFF_WITHOUT_FACTOR: [Mend(_("Require one of all staff"), "/admin/practice#staff_second_factor")],
        SetUpRule.SUBSCRIPTION_MISSING: [Mend(_("Give a subscription"), how="subscribe"), staff],
        SetUpRule.STAFF_LEFT_WITH_CLIENTS: [Mend(_("End the assignments"), how="unassign"), staff],
        SetUpRule.PARENT_AS_CLIENT: [Mend(_("Set to not in care; the sign-in stays"), how="not_in_care"), open_client],
        SetUpRule.WINDOW_OVER: [Mend(_("End the access"), how="end"), *access],
        SetUpRule.NEVER_FOR_KIND: [Mend(_("Switch it off"), how="switch_off"), *access],
        SetUpRule.ON_THOUGH_PRACTICE_OFF: [
            Mend(_("Switch it off for them"), f"/admin/bulk?{urlencode(off)}"),
            Mend(_("Switch it on for the practice"), f"/admin/practice#{features}"),
        ],
        SetUpRule.ON_THOUGH_CLIENT_OFF: [
            Mend(_("Switch it off for them"), f"/admin/bulk?{urlencode([('client', found.client_id or ''), *off])}"),
            Mend(_("Switch it on for the client"), f"{client}#{features}"),
        ],
        SetUpRule.WITHOUT_PROOF: [
            Mend(_("Put proof on file"), f"/admin/clients/{owner}/grants/{grant}/proofs")
            for _account, owner, grant in found.pairs
        ],
        SetUpRule.NOBODY_HAS_ACCESS: [
            Mend(_("Add a contact"), f"{client}/contacts/new"),
            Mend(_("Set to not in care"), how="not_in_care"),
        ],
    }
    return by_rule.get(found.rule) or access or [open_client]
