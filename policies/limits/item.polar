# What holds for one item, whoever asks from home.

# The practice keeps this item from this person.
forbid(_rep: Representative, action, resource, "item.withheld") if
    existing(action, resource) and
    resource.withheld;

draft(_action, invoice: Invoice) if invoice.invoice_state = "draft";
draft(action, document: Document) if existing(action, document) and document.document_state = "draft";
draft(_action, plan: ServicePlan) if plan.plan_state = "draft";

# A draft is never shown.
forbid(_rep: Representative, action, resource, "item.draft") if
    draft(action, resource);

# Only an open invoice can be paid.
forbid(_rep: Representative, "pay", invoice: Invoice, "item.invoice_not_open") if
    invoice.invoice_state != "open";

# Nothing is left to pay.
forbid(_rep: Representative, "pay", invoice: Invoice, "item.nothing_due") if
    invoice.balance_due = false;

# A copy made for one person is that person's own.
forbid(_rep: Representative, action, document: Document, "item.copy_of_another") if
    existing(action, document) and
    document.copy = "other";

# What a minor has consented to alone is the minor's own.
forbid(rep: Representative, action, document: Document, "item.minor_consented") if
    existing(action, document) and
    document.category = "minor_consented" and
    rep.kind != "self";

# Records of treatment for substance use are the client's own.
forbid(rep: Representative, action, document: Document, "item.part2") if
    existing(action, document) and
    document.category = "part2" and
    rep.kind != "self";

# Sensitive documents of a teen are not for the guardians.
forbid(rep: Representative, action, document: Document, "item.sensitive_of_teen") if
    existing(action, document) and
    document.category = "sensitive" and
    rep.client.age = "teen" and
    rep.kind in ["guardian", "co_parent", "caseworker"];

# A document is signed once, after it was released.
forbid(_rep: Representative, "sign", document: Document, "item.document_not_to_sign") if
    document.document_state != "released";

changes_form("complete", _: Form);
changes_form("sign", _: Form);

# A completed form stays as it is.
forbid(_rep: Representative, action, form: Form, "item.form_completed") if
    changes_form(action, form) and
    form.form_state = "completed";

signable("sign", _: Document);
signable("sign", _: Form);

signer(item, rep) if item.signer_rule = "client" and rep.kind = "self";
signer(item, rep) if item.signer_rule = "any_guardian" and rep.kind in ["guardian", "caseworker", "adult_proxy"];
signer(item, rep) if item.signer_rule = "each_guardian" and rep.kind in ["guardian", "co_parent", "caseworker"];
signer(item, _rep) if item.signer_rule = "named" and item.named_signer;

# This item is for others to sign, or for nobody.
forbid(rep: Representative, action, item, "item.not_a_signer") if
    signable(action, item) and
    not signer(item, rep);

in_conversation("view", _: Thread);
in_conversation("send", _: Thread);

# A conversation belongs to those who take part in it.
forbid(_rep: Representative, action, thread: Thread, "item.not_a_participant") if
    in_conversation(action, thread) and
    thread.participant = false;

moves_appointment("cancel", _: Appointment);
moves_appointment("reschedule", _: Appointment);

# Only an appointment that was requested or booked can be changed.
forbid(_rep: Representative, action, appointment: Appointment, "item.appointment_closed") if
    moves_appointment(action, appointment) and
    appointment.appointment_state in ["cancelled", "completed"];

# It is too late to change this appointment.
forbid(_rep: Representative, action, appointment: Appointment, "item.appointment_too_close") if
    moves_appointment(action, appointment) and
    appointment.timing != "ahead";
