# Plain oso, as one would write it by hand: actions in the heads, positive conditions only.
allow(rep: Rep, action, item) if
    feature(action, item, name) and
    rep.status = "active" and
    rep.window = "current" and
    name in rep.switches and
    released(item) and
    may(rep.kind, rep, action, item, name);

may("self", _rep, _action, _item, _name);
may("guardian", rep, _action, item, name) if
    item.hidden = false and name in rep.toggles;
may("co_parent", rep, _action, item, name) if
    item.hidden = false and name in rep.toggles and not_the_other_parents(item);
may("emergency_contact", rep, "view", item, name) if
    item.hidden = false and name != "service_plan" and name in rep.toggles;
may("payer", _rep, "view", item: Calendar, _name) if item.hidden = false;
may("payer", _rep, "view", item: Invoice, _name) if item.hidden = false and item.owner = "me";
may("community", rep, "view", item: Calendar, name) if item.hidden = false and name in rep.toggles;

not_the_other_parents(_: Profile);
not_the_other_parents(_: Calendar);
not_the_other_parents(_: ServicePlan);
not_the_other_parents(item: Invoice) if item.owner != "other";
not_the_other_parents(item: Document) if item.owner != "other";
not_the_other_parents(item: Form) if item.owner != "other";
not_the_other_parents(item: Message) if item.owner != "other";

released(_: Profile);
released(_: Calendar);
released(_: Message);
released(item: Invoice) if item.state = "released";
released(item: Document) if item.state = "released";
released(item: Form) if item.state = "released";
released(item: ServicePlan) if item.state = "released";

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
