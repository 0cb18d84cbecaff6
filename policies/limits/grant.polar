# What holds for one person and one client: status, window and toggles of the grant.

# The invitation is still open: access begins with the first sign-in.
forbid(rep: Representative, _action, _resource, "grant.pending") if
    rep.status = "pending";

# The practice has suspended this access.
forbid(rep: Representative, _action, _resource, "grant.suspended") if
    rep.status = "suspended";

# This access has ended.
forbid(rep: Representative, _action, _resource, "grant.ended") if
    rep.status = "ended";

# Today lies outside the period for which the access was given.
forbid(rep: Representative, _action, _resource, "grant.window") if
    rep.window != "current";

# The practice has not switched this feature on for this person.
forbid(rep: Representative, action, resource, "grant.toggle_off") if
    feature(action, resource, name) and
    rep.toggle(name) = false;
