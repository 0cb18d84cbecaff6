# Emergency access ("break glass"): for a time, for one client, with a reason, and seen by all. 45 CFR 164.312(a)(2)(ii).

opens_emergency(staff: Staff) if staff.role("therapist");
opens_emergency(staff: Staff) if staff.role("owner");
opens_emergency(staff: Staff) if staff.role("administrator");

# A therapist, owner or administrator opens emergency access to a client.
permit(staff: Staff, "start", _access: EmergencyAccess, "emergency.start") if
    opens_emergency(staff);

emergency_may("view", _: Profile);
emergency_may("view", _: Calendar);
emergency_may("view", _: Appointment);
emergency_may("view", _: Document);
emergency_may("download", _: Document);
emergency_may("view", _: Form);
emergency_may("view", _: ServicePlan);
emergency_may("view", _: ClinicalNote);
emergency_may("view", _: TreatmentPlan);

# While emergency access is open, its holder reads what care of the client needs.
permit(staff: Staff, action, resource, "emergency.reads_client") if
    emergency_may(action, resource) and
    staff.emergency;
