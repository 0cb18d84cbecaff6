# What the practice decides for everyone: its switches are the ceiling, the client's own login included.

# The practice has this feature switched off.
forbid(rep: Representative, action, resource, "practice.switch_off") if
    feature(action, resource, name) and
    rep.practice.switch(name) = false;

# The practice gives no portal access to anyone but the clients themselves.
forbid(rep: Representative, _action, _resource, "practice.contacts_off") if
    rep.practice.contacts = false and
    rep.kind != "self";

# The practice shows service plans to nobody.
forbid(rep: Representative, _action, _plan: ServicePlan, "practice.plan_for_nobody") if
    rep.practice.plan_audience = "nobody";

# The practice shows service plans to the clients themselves only.
forbid(rep: Representative, _action, _plan: ServicePlan, "practice.plan_for_client_only") if
    rep.practice.plan_audience = "client_only" and
    rep.kind != "self";

# The practice takes no card payments in the portal.
forbid(rep: Representative, "pay", _invoice: Invoice, "practice.no_card_payments") if
    rep.practice.card_processing = false;

needs_subscription("send", _: Thread);
needs_subscription("start", _: Thread);
needs_subscription("request", _: Appointment);
needs_subscription("reschedule", _: Appointment);

# The staff member on the other side has no portal subscription.
forbid(_rep: Representative, action, resource, "practice.provider_not_subscribed") if
    needs_subscription(action, resource) and
    resource.provider_subscribed = false;

needs_assignment("send", _: Thread);
needs_assignment("start", _: Thread);
needs_assignment("request", _: Appointment);

# The staff member on the other side is not assigned to the client.
forbid(_rep: Representative, action, resource, "practice.provider_not_assigned") if
    needs_assignment(action, resource) and
    resource.provider_assigned = false;

needs_availability("request", _: Appointment);
needs_availability("reschedule", _: Appointment);

# The staff member on the other side offers no times for self-scheduling.
forbid(_rep: Representative, action, resource, "practice.provider_not_available") if
    needs_availability(action, resource) and
    resource.provider_available = false;

# This staff member no longer works at the practice.
forbid(staff: Staff, _action, _resource, "practice.staff_inactive") if
    staff.state = "inactive";

# The practice has messages switched off, so staff write none.
forbid(staff: Staff, action, thread: Thread, "practice.messages_off") if
    writes(action, thread) and
    staff.practice.switch("messages") = false;

writes("send", _: Thread);
writes("start", _: Thread);

# The practice has forms switched off, so staff send none.
forbid(staff: Staff, "send", _form: Form, "practice.forms_off") if
    staff.practice.switch("forms") = false;
