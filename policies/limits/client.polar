# What holds for one client: the client's switches, age and state.

# This feature is switched off for the client.
forbid(rep: Representative, action, resource, "client.switch_off") if
    feature(action, resource, name) and
    rep.client.switch(name) = false;

begins_something("update", _: Profile);
begins_something("subscribe", _: Calendar);
begins_something("request", _: Appointment);
begins_something("cancel", _: Appointment);
begins_something("reschedule", _: Appointment);
begins_something("remind", _: Appointment);
begins_something("upload", _: Document);
begins_something("sign", _: Document);
begins_something("complete", _: Form);
begins_something("sign", _: Form);
begins_something("start", _: Thread);
begins_something("send", _: Thread);
begins_something("send", _: OwnerEmail);

# The client is no longer in care: the history stays, nothing new begins.
forbid(rep: Representative, action, resource, "client.inactive") if
    begins_something(action, resource) and
    rep.client.active = false;

papers(_: Document);
papers(_: Form);
papers(_: Thread);

# While a teen does not agree, the guardians have no documents, forms and messages of the teen.
forbid(rep: Representative, _action, resource, "client.assent_withheld") if
    papers(resource) and
    rep.client.age = "teen" and
    rep.client.assent = "withheld" and
    rep.kind in ["guardian", "co_parent", "caseworker"];

# The client has come of age: without proof of authority, guardians have nothing any more.
forbid(rep: Representative, _action, _resource, "client.of_age") if
    rep.proof = "none" and
    rep.client.age = "adult" and
    rep.kind in ["guardian", "co_parent", "caseworker"];

prepares_invitation("create", _: Invitation);
prepares_invitation("send", _: Invitation);

# A client who does not manage a portal of their own is never invited; a contact is.
forbid(_staff: Staff, action, invitation: Invitation, "client.not_self_managing") if
    prepares_invitation(action, invitation) and
    invitation.invitee = "client" and
    invitation.client_self_managing = "no";

# Nobody has portal access for the client, so nobody would read the message.
forbid(_staff: Staff, "start", thread: Thread, "client.nobody_reachable") if
    thread.client_reachable = false;
