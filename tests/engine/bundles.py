"""A small bundle that uses every part of the format, and ways to write variations of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine import BundleError, load_policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = {
    "facts.yaml": """\
version: 1
subjects:
  account: {class: Representative}
  staff: {class: Staff}
resources:
  invoice: {class: Invoice, actions: [view, print, pay]}
  service_plan: {class: ServicePlan, actions: [view, print]}
facts:
  subject.kind:
    of: [account]
    values: [self, guardian, emergency_contact, payer]
    says: how this person is related to the client
    controlled_by: grant
    from: {store: grant.kind}
  subject.pending:
    of: [account]
    values: [false, true]
    says: this person has not signed in yet
    controlled_by: person
  subject.client.age:
    of: [account]
    values: [adult, teen, child]
    says: the client's age class
    controlled_by: client
    legal: 45 CFR 164.502(g)(3)
  subject.toggle(feature):
    of: [account]
    parameter: [invoices, service_plan]
    values: [true, false]
    says: the practice switched this on for this person
    controlled_by: grant
  subject.role:
    of: [staff]
    values: [biller, therapist]
    controlled_by: practice
  resource.addressee:
    of: [invoice]
    values: [me, client, other]
    says: to whom the invoice is addressed
    controlled_by: item
    from: {match: addressee_id, me: subject.id, client: store.self_account}
  resource.state:
    of: [invoice, service_plan]
    values: [open, paid, draft]
    says: the state of the item
    controlled_by: item
    from: {property: state, values: {open: [open, sent], paid: [paid]}, map_null: draft}
impossible:
  - {subject.kind: self, resource.addressee: client}
""",
    "main.polar": """\
allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r);
forbidden(s, a, r) if forbid(s, a, r, _);

feature("view", _: Invoice, "invoices");
feature("pay", _: Invoice, "invoices");
feature("view", _: ServicePlan, "service_plan");
""",
    "representatives.polar": """\
client_may("view", _: Invoice);
client_may("pay", invoice: Invoice) if invoice.state = "open";
client_may("view", plan: ServicePlan) if plan.state in ["open", "paid"];

# Clients see what is theirs.
# Nobody else's is shown.
permit(rep: Representative, action, resource, "self.own") if
    rep.kind = "self" and
    client_may(action, resource);

near("guardian"); near("emergency_contact");

permit(rep: Representative, action, invoice: Invoice, "near.invoices") if
    near(rep.kind) and
    client_may(action, invoice) and
    not invoice.addressee in ["other"];

permit(rep: Representative, "view", invoice: Invoice, "payer.own") if
    rep.kind = "payer" and invoice.addressee = "me";

permit(staff: Staff, "print", _: Invoice, "biller.prints") if staff.role = "biller";
""",
    "limits.polar": """\
forbid(rep: Representative, action, resource, "toggle.off") if
    feature(action, resource, name) and
    rep.toggle(name) = false;

forbid(rep: Representative, _action, _resource, "pending") if rep.pending;

forbid(rep: Representative, _action, _: ServicePlan, "no_plan") if
    rep.kind != "self" or
    rep.client.age = "child";
""",
    "invariants.yaml": """\
version: 1
invariants:
  - id: no_plan_for_others
    says: Nobody but the client views a service plan.
    never: {subject: account, action: any, resource: service_plan, when: {subject.kind: {not: self}}}
  - id: pending_reaches_nothing
    says: A person who has not signed in yet reaches nothing.
    never: {subject: account, action: any, resource: any, when: {subject.pending: true}}
  - id: billers_print
    says: A biller can always print an invoice.
    always: {subject: staff, action: print, resource: invoice, when: {subject.role: biller}}
""",
}


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edited(file: str, old: str, new: str) -> dict[str, str]:
    """The bundle with one piece of text replaced, which must occur exactly once."""
    assert FILES[file].count(old) == 1, (file, old)
    return FILES | {file: FILES[file].replace(old, new)}


def line_with(text: str, piece: str) -> int:
    """The first line (from 1) that holds the piece."""
    return text[: text.index(piece)].count("\n") + 1


def refusals(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Every problem of a bundle, as printed; none when it loads."""
    try:
        load_policy(write_files(folder, files))
    except BundleError as error:
        return [str(problem) for problem in error.problems]
    return []
