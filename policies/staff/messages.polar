# Who at the practice reads and writes messages. Rows Y24, Y25.

holds_role(staff: Staff) if staff.role("owner");
holds_role(staff: Staff) if staff.role("administrator");
holds_role(staff: Staff) if staff.role("therapist");
holds_role(staff: Staff) if staff.role("biller");
holds_role(staff: Staff) if staff.role("scheduler");

# Staff read the conversations they take part in; a reviewer as such takes part in none.
permit(staff: Staff, "view", thread: Thread, "messages.own_conversations") if
    thread.participant and
    holds_role(staff);

answers_client(staff: Staff) if staff.role("therapist") and staff.assigned;
answers_client(staff: Staff) if administers(staff);

# An assigned therapist or an administrator with a subscription writes in a conversation they take part in.
permit(staff: Staff, "send", thread: Thread, "messages.send") if
    thread.participant and
    staff.subscribed and
    answers_client(staff);

# An assigned therapist or an administrator with a subscription begins a conversation.
permit(staff: Staff, "start", _thread: Thread, "messages.start") if
    staff.subscribed and
    answers_client(staff);
