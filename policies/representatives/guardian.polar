# A parent or guardian acting for a client. Rows W1 to W3, M1, M2, P2.

# A guardian acts for the client, with what is addressed to the guardian or to nobody.
permit(rep: Representative, action, resource, "guardian.cares_for_client") if
    carer_may(action, resource) and
    rep.kind = "guardian";

# A guardian reads the service plan, as far as the practice's audience reaches.
permit(rep: Representative, action, resource, "guardian.service_plan") if
    reads_plan(action, resource) and
    rep.kind = "guardian";
