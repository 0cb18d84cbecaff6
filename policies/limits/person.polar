# What holds for the person who asks, whatever the grant.

# A safety block stands between this person and the client.
forbid(rep: Representative, _action, _resource, "person.blocked") if
    rep.blocked;

# This person's sign-in is locked.
forbid(rep: Representative, _action, _resource, "person.locked") if
    rep.account.state = "locked";

# This person must first choose a password of their own.
forbid(rep: Representative, _action, _resource, "person.password_change_due") if
    rep.account.password = "change_due";

# The practice asks for a second factor, and this person signed in without one.
forbid(rep: Representative, _action, _resource, "person.no_second_factor") if
    rep.practice.second_factor and
    rep.second_factor = false;

# The practice asks its staff for a second factor, and this one signed in without it.
forbid(staff: Staff, _action, _resource, "person.staff_no_second_factor") if
    staff.practice.second_factor and
    staff.second_factor = false;
