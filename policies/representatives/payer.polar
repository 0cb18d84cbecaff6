# An agency or a person who pays for clients. Rows C17 to C20, conflict c12.

# A payer sees the calendars of linked clients, and sees, prints and pays the invoices addressed to the payer.
permit(rep: Representative, action, resource, "payer.calendar_and_invoices") if
    payer_may(action, resource) and
    rep.kind = "payer";

# A payer never sees the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "payer.no_service_plan") if
    rep.kind = "payer";
