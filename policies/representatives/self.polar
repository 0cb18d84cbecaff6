# The client's own login. Rows C10 to C14, Y8 to Y10.

# A client uses the whole portal, with what is addressed to the client or to nobody.
permit(rep: Representative, action, resource, "self.own_portal") if
    client_may(action, resource) and
    rep.kind = "self";

# A client reads and prints their own service plan.
permit(rep: Representative, action, resource, "self.service_plan") if
    reads_plan(action, resource) and
    rep.kind = "self";
