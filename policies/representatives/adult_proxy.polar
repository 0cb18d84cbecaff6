# A person whom an adult client lets act for them. 45 CFR 164.502(g)(2).

# An adult proxy acts for the client, with what is addressed to the proxy or to nobody.
permit(rep: Representative, action, resource, "adult_proxy.cares_for_client") if
    carer_may(action, resource) and
    rep.kind = "adult_proxy";

# An adult proxy reads the service plan, as far as the practice's audience reaches.
permit(rep: Representative, action, resource, "adult_proxy.service_plan") if
    reads_plan(action, resource) and
    rep.kind = "adult_proxy";
