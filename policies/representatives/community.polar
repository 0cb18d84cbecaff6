# A facility or community where clients live. Rows C17 to C20, conflict c12.

# A community sees the calendars of linked clients, and sees, prints and pays the invoices addressed to the community.
permit(rep: Representative, action, resource, "community.calendar_and_invoices") if
    payer_may(action, resource) and
    rep.kind = "community";

# A community never sees the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "community.no_service_plan") if
    rep.kind = "community";
