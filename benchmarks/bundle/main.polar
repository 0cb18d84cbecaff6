# The only `allow`: some permit holds and no forbid does.
allow(subject, action, resource) if
    permit(subject, action, resource, _) and
    not forbidden(subject, action, resource);

forbidden(subject, action, resource) if
    forbid(subject, action, resource, _);

feature("view", _: Profile, "profile");
feature("submit", _: Profile, "profile");
feature("view", _: Calendar, "calendar");
feature("view", _: Invoice, "invoices");
feature("view", _: Document, "documents");
feature("submit", _: Document, "documents");
feature("view", _: Form, "forms");
feature("submit", _: Form, "forms");
feature("view", _: Message, "messages");
feature("submit", _: Message, "messages");
feature("view", _: ServicePlan, "service_plan");

# Whose information something is; what has no owner is the client's.
owner(_: Profile, "client");
owner(_: Calendar, "client");
owner(_: ServicePlan, "client");
owner(invoice: Invoice, whose) if whose = invoice.owner;
owner(document: Document, whose) if whose = document.owner;
owner(form: Form, whose) if whose = form.owner;
owner(message: Message, whose) if whose = message.owner;

# A client has everything the practice offers.
permit(rep: Representative, action, resource, "self.everything") if
    feature(action, resource, _) and
    rep.kind = "self";

# A guardian has what is toggled on.
permit(rep: Representative, action, resource, "guardian.toggled") if
    feature(action, resource, name) and
    rep.kind = "guardian" and
    rep.toggle(name) = true;

# A co-parent has what is toggled on and is not the other parent's information.
permit(rep: Representative, action, resource, "co_parent.toggled") if
    feature(action, resource, name) and
    rep.kind = "co_parent" and
    rep.toggle(name) = true and
    owner(resource, whose) and
    whose in ["me", "client"];

# An emergency contact views what is toggled on.
permit(rep: Representative, "view", resource, "emergency_contact.toggled") if
    feature("view", resource, name) and
    rep.kind = "emergency_contact" and
    rep.toggle(name) = true;

# A payer views the calendar and the invoices that are the payer's own.
permit(rep: Representative, "view", invoice: Invoice, "payer.invoices") if
    rep.kind = "payer" and
    invoice.owner = "me";

permit(rep: Representative, "view", _: Calendar, "payer.calendar") if
    rep.kind = "payer";

# A community partner views the calendar where it is toggled on.
permit(rep: Representative, "view", _: Calendar, "community.calendar") if
    rep.kind = "community" and
    rep.toggle("calendar") = true;

# Access that is pending or ended reaches nothing.
forbid(rep: Representative, _action, _resource, "grant.not_active") if
    rep.status != "active";

# Access outside its period reaches nothing.
forbid(rep: Representative, _action, _resource, "grant.outside_window") if
    rep.window != "current";

# The practice has this feature switched off, for everyone.
forbid(rep: Representative, action, resource, "practice.switch_off") if
    feature(action, resource, name) and
    rep.practice.switch(name) = false;

# An emergency contact never has the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "emergency_contact.no_service_plan") if
    rep.kind = "emergency_contact";

# A hidden item is hidden from all but the client.
forbid(rep: Representative, _action, resource, "item.hidden") if
    resource.hidden = true and
    rep.kind != "self";

# A draft is not shown.
forbid(_rep: Representative, _action, resource, "item.draft") if
    has_draft(resource) and
    resource.state = "draft";

has_draft(_: Invoice);
has_draft(_: Document);
has_draft(_: Form);
has_draft(_: ServicePlan);
