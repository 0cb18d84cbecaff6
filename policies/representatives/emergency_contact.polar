# Whom to call in an emergency. Rows C15, C16.

# An emergency contact has what the client has, minus the service plan.
permit(rep: Representative, action, resource, "emergency_contact.as_client") if
    client_may(action, resource) and
    rep.kind = "emergency_contact";

# An emergency contact never sees the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "emergency_contact.no_service_plan") if
    rep.kind = "emergency_contact";
