# An agency's guardian of a client, for example in foster care. 45 CFR 164.502(g)(3).

# A caseworker acts for the client, with what is addressed to the caseworker or to nobody.
permit(rep: Representative, action, resource, "caseworker.cares_for_client") if
    carer_may(action, resource) and
    rep.kind = "caseworker";

# A caseworker reads the service plan, as far as the practice's audience reaches.
permit(rep: Representative, action, resource, "caseworker.service_plan") if
    reads_plan(action, resource) and
    rep.kind = "caseworker";
