# Therapists reach the clients they are assigned to. Rows Y4 to Y6, Y24.

therapist_may("view", _: Client);
therapist_may("update", _: Client);
therapist_may("view", _: Grant);
therapist_may("view", _: Profile);
therapist_may("view", _: Calendar);
therapist_may("view", _: Appointment);
therapist_may("create", _: Appointment);
therapist_may("update", _: Appointment);
therapist_may("cancel", _: Appointment);
therapist_may("reschedule", _: Appointment);
therapist_may("view", _: Invoice);
therapist_may("view", _: Payment);
therapist_may("view", _: Document);
therapist_may("download", _: Document);
therapist_may("upload", _: Document);
therapist_may("update", _: Document);
therapist_may("view", _: Form);
therapist_may("view", _: ServicePlan);
therapist_may("print", _: ServicePlan);
therapist_may("create", _: ServicePlan);
therapist_may("update", _: ServicePlan);
therapist_may("view", _: ClinicalNote);
therapist_may("view", _: TreatmentPlan);

# A therapist works with the clients they are assigned to.
permit(staff: Staff, action, resource, "therapist.assigned_clients") if
    therapist_may(action, resource) and
    staff.role("therapist") and
    staff.assigned;

inviter_may("view", _: Invitation);
inviter_may("create", _: Invitation);
inviter_may("send", _: Invitation);
inviter_may("send", _: Form);

# A therapist whom an administrator lets invite does so, and sends forms, for the clients they are assigned to.
permit(staff: Staff, action, resource, "therapist.invites") if
    inviter_may(action, resource) and
    staff.role("therapist") and
    staff.assigned and
    staff.may_invite;

# A therapist says which times they offer for self-scheduling. Row Y23.
permit(staff: Staff, "offer", _subscription: Subscription, "therapist.offers_times") if
    staff.role("therapist");
