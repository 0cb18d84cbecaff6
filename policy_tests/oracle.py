"""A second opinion: who may do what, in plain Python, written from the design and ADR 0002, not from the policy files.

It reads complete situations, facts by the names of `policy eval` ("kind", "toggle.messages"), and imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Facts = Mapping[str, Any]

FEATURE_TABLE = """
    basics        portal.open profile.view profile.update
    calendar      calendar.view calendar.subscribe appointment.view
    scheduling    appointment.request appointment.cancel appointment.reschedule
    reminders     appointment.remind
    invoices      invoice.view invoice.print
    payments      invoice.pay payment.view
    documents     document.view document.download document.upload document.sign
    forms         form.view form.complete form.sign
    messages      thread.view thread.start thread.send
    owner_email   owner_email.send
    service_plan  service_plan.view service_plan.print
"""
FEATURE_OF = {task: row.split()[0] for row in FEATURE_TABLE.strip().splitlines() for task in row.split()[1:]}

PAYER_TASKS = {
    *("portal.open", "calendar.view", "calendar.subscribe", "appointment.view", "appointment.remind"),
    *("invoice.view", "invoice.print", "invoice.pay"),
}
NO_PLAN = {task for task in FEATURE_OF if not task.startswith("service_plan.")}
TASKS_OF_KIND = {
    "self": set(FEATURE_OF),
    "guardian": set(FEATURE_OF),
    "caseworker": set(FEATURE_OF),
    "adult_proxy": set(FEATURE_OF),
    "co_parent": NO_PLAN - {"profile.update"},
    "emergency_contact": NO_PLAN,
    "payer": PAYER_TASKS,
    "community": PAYER_TASKS,
    "guarantor": {"portal.open", "invoice.view", "invoice.pay"},
}
TASKS_AFTER_CARE = {
    *(
        "portal.open",
        "profile.view",
        "calendar.view",
        "appointment.view",
        "invoice.view",
        "invoice.print",
        "invoice.pay",
    ),
    *("payment.view", "document.view", "document.download", "form.view", "thread.view"),
    *("service_plan.view", "service_plan.print"),
}
TASKS_OF_NO_ITEM_YET = {"document.upload", "appointment.request", "thread.start"}
PARENTAL = {"guardian", "co_parent", "caseworker"}

INVOICES_TO = {
    "self": {"me", "client", "nobody"},
    "emergency_contact": {"me", "client", "nobody"},
    "guardian": {"me", "nobody"},
    "co_parent": {"me", "nobody"},
    "caseworker": {"me", "nobody"},
    "adult_proxy": {"me", "nobody"},
    "payer": {"me"},
    "community": {"me"},
    "guarantor": {"me"},
}
PLAN_READERS = {
    "nobody": set[str](),
    "client_only": {"self"},
    "client_and_guardians": {"self", "guardian", "caseworker", "adult_proxy"},
}
SIGNERS = {
    "nobody": set[str](),
    "client": {"self"},
    "any_guardian": {"guardian", "caseworker", "adult_proxy"},
    "each_guardian": {"guardian", "co_parent", "caseworker"},
}

PRACTICE_TABLE = """
    owner_or_administrator  client: view create update
    owner_or_administrator  grant: view create update end
    owner_or_administrator  withhold: view create end
    owner_or_administrator  block: view create end
    owner_or_administrator  invitation: view create send end
    owner_or_administrator  switch: view update
    owner_or_administrator  subscription: view update offer
    owner_or_administrator  practice: view update
    owner_or_administrator  profile: view
    owner_or_administrator  calendar: view
    owner_or_administrator  appointment: view create update cancel reschedule
    owner_or_administrator  invoice: view print create update send
    owner_or_administrator  payment: view
    owner_or_administrator  document: view download upload update
    owner_or_administrator  form: view send
    owner_or_administrator  service_plan: view print create update
    owner_or_administrator  trail: view export
    owner_or_administrator  policy: view
    owner_or_administrator  records: view export
    owner_or_administrator  import: run
    owner_or_administrator  emergency_access: view end start
    owner                   policy: deploy
    assigned_therapist      client: view update
    assigned_therapist      grant: view
    assigned_therapist      profile: view
    assigned_therapist      calendar: view
    assigned_therapist      appointment: view create update cancel reschedule
    assigned_therapist      document: view download upload update
    assigned_therapist      form: view
    assigned_therapist      service_plan: view print create update
    assigned_therapist      clinical_note: view
    assigned_therapist      treatment_plan: view
    assigned_therapist      payment: view
    assigned_therapist      invoice: view
    inviting_therapist      invitation: view create send
    inviting_therapist      form: send
    therapist               emergency_access: start
    therapist               subscription: offer
    in_emergency            profile: view
    in_emergency            calendar: view
    in_emergency            appointment: view
    in_emergency            document: view download
    in_emergency            form: view
    in_emergency            service_plan: view
    in_emergency            clinical_note: view
    in_emergency            treatment_plan: view
    biller                  client: view
    biller                  invoice: view print create update send
    biller                  payment: view
    scheduler               client: view
    scheduler               calendar: view
    scheduler               appointment: view create update cancel reschedule
    reviewer                policy: view run stage
    reviewer                trail: view export
    reviewer                emergency_access: view
    conversing              thread: view send start
"""
POSTS_FOR: dict[str, set[str]] = {}
for _row in PRACTICE_TABLE.strip().splitlines():
    _post, _kind, *_actions = _row.replace(":", "").split()
    for _action in _actions:
        POSTS_FOR.setdefault(f"{_kind}.{_action}", set()).add(_post)


def allowed(subject_type: str, subject: Facts, action: str, resource_type: str, resource: Facts) -> bool:
    """The answer to one complete situation."""
    task = f"{resource_type}.{action}"
    if subject_type == "account":
        return _a_representative_may(subject, task, resource)
    return subject_type == "staff" and _a_staff_member_may(subject, task, resource)


def _a_representative_may(who: Facts, task: str, item: Facts) -> bool:
    kind = who["kind"]
    if task not in FEATURE_OF:
        return False
    feature = FEATURE_OF[task]
    parental = kind in PARENTAL
    teen_says_no = who["client.age"] == "teen" and who["client.assent"] == "withheld"
    everything_holds = [
        who["status"] == "active",
        who["window"] == "current",
        not who["blocked"],
        who["account.state"] == "active",
        who["account.password"] == "settled",
        who["second_factor"] or not who["practice.second_factor"],
        kind == "self" or who["practice.contacts"],
        who[f"practice.switch.{feature}"],
        who[f"client.switch.{feature}"],
        who[f"toggle.{feature}"],
        task in TASKS_OF_KIND[kind],
        who["client.active"] or task in TASKS_AFTER_CARE,
        not (parental and teen_says_no and feature in {"documents", "forms", "messages"}),
        not (parental and who["client.age"] == "adult" and who["proof"] != "on_file"),
        task in TASKS_OF_NO_ITEM_YET or not item.get("withheld", False),
    ]
    return all(everything_holds) and _the_item_lets(who, kind, task, item)


def _the_item_lets(who: Facts, kind: str, task: str, item: Facts) -> bool:  # noqa: C901, PLR0912 - it is a table
    match task:
        case "invoice.view" | "invoice.print":
            return item["addressee"] in INVOICES_TO[kind] and item["invoice_state"] != "draft"
        case "invoice.pay":
            mine = item["addressee"] in INVOICES_TO[kind]
            return mine and item["invoice_state"] == "open" and item["balance_due"] and who["practice.card_processing"]
        case "payment.view":
            return item["payer"] in INVOICES_TO[kind]
        case "document.view" | "document.download":
            return _may_read_document(who, kind, item)
        case "document.sign":
            return item["document_state"] == "released" and _may_read_document(who, kind, item) and _signs(kind, item)
        case "form.view":
            return _fills_in(kind, item)
        case "form.complete":
            return _fills_in(kind, item) and item["form_state"] != "completed"
        case "form.sign":
            return _fills_in(kind, item) and item["form_state"] != "completed" and _signs(kind, item)
        case "thread.view":
            return bool(item["participant"])
        case "thread.send":
            return bool(item["participant"] and item["provider_subscribed"] and item["provider_assigned"])
        case "thread.start":
            return bool(item["provider_subscribed"] and item["provider_assigned"])
        case "appointment.request":
            return bool(item["provider_subscribed"] and item["provider_assigned"] and item["provider_available"])
        case "appointment.cancel":
            return _can_still_change(item)
        case "appointment.reschedule":
            return _can_still_change(item) and bool(item["provider_subscribed"] and item["provider_available"])
        case "service_plan.view" | "service_plan.print":
            return item["plan_state"] == "released" and kind in PLAN_READERS[who["practice.plan_audience"]]
        case _:
            return True


def _may_read_document(who: Facts, kind: str, item: Facts) -> bool:
    if item["document_state"] == "draft" or item["copy"] == "other":
        return False
    match item["category"]:
        case "psychotherapy":
            return False
        case "minor_consented" | "part2":
            return kind == "self"
        case "sensitive":
            return not (kind in PARENTAL and who["client.age"] == "teen")
        case _:
            return True


def _signs(kind: str, item: Facts) -> bool:
    if item["signer_rule"] == "named":
        return bool(item["named_signer"])
    return kind in SIGNERS[item["signer_rule"]]


def _fills_in(kind: str, item: Facts) -> bool:
    fillers = {"me", "client", "nobody"} if kind in {"self", "emergency_contact"} else {"me", "nobody"}
    return item["filler"] in fillers


def _can_still_change(item: Facts) -> bool:
    return item["appointment_state"] in {"requested", "booked"} and item["timing"] == "ahead"


def _a_staff_member_may(who: Facts, task: str, item: Facts) -> bool:
    at_work = who["tenancy"] == "own" and who["state"] == "active"
    if not at_work or (who["practice.second_factor"] and not who["second_factor"]):
        return False
    heads = who["role.owner"] or who["role.administrator"]
    treats = who["role.therapist"] and who["assigned"]
    takes_part = bool(item.get("participant", False))
    speaks = who["subscribed"] and who["practice.switch.messages"] and (heads or treats)
    conversing = {
        "thread.view": takes_part and (heads or who["role.therapist"] or who["role.biller"] or who["role.scheduler"]),
        "thread.send": takes_part and speaks,
        "thread.start": speaks and item.get("client_reachable", False),
    }
    holds = {
        "owner": who["role.owner"],
        "owner_or_administrator": heads,
        "therapist": who["role.therapist"],
        "assigned_therapist": treats,
        "inviting_therapist": treats and who["may_invite"],
        "in_emergency": who["emergency"],
        "biller": who["role.biller"],
        "scheduler": who["role.scheduler"],
        "reviewer": who["role.reviewer"],
        "conversing": conversing.get(task, False),
    }
    posts = {post for post, held in holds.items() if held} & POSTS_FOR.get(task, set())
    if item.get("category") == "psychotherapy":
        posts &= {"assigned_therapist"}
    if task == "form.send" and not who["practice.switch.forms"]:
        return False
    if task in {"invitation.create", "invitation.send"}:
        child_invited = item["invitee"] == "client" and item["client_self_managing"] == "no"
        return bool(posts) and not child_invited
    return bool(posts)
