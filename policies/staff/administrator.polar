# Owners and administrators run the practice. Rows W4, W10, Y4, Y7.

administrator_may("view", _: Client);
administrator_may("create", _: Client);
administrator_may("update", _: Client);
administrator_may(_action, _: Grant);
administrator_may(_action, _: Withhold);
administrator_may(_action, _: Block);
administrator_may(_action, _: Switch);
administrator_may(_action, _: Invitation);
administrator_may(_action, _: Subscription);
administrator_may(_action, _: Practice);
administrator_may("view", _: Profile);
administrator_may("view", _: Calendar);
administrator_may("view", _: Appointment);
administrator_may("create", _: Appointment);
administrator_may("update", _: Appointment);
administrator_may("cancel", _: Appointment);
administrator_may("reschedule", _: Appointment);
administrator_may("view", _: Invoice);
administrator_may("print", _: Invoice);
administrator_may("create", _: Invoice);
administrator_may("update", _: Invoice);
administrator_may("send", _: Invoice);
administrator_may("view", _: Payment);
administrator_may("view", _: Document);
administrator_may("download", _: Document);
administrator_may("upload", _: Document);
administrator_may("update", _: Document);
administrator_may("view", _: Form);
administrator_may("send", _: Form);
administrator_may("view", _: ServicePlan);
administrator_may("print", _: ServicePlan);
administrator_may("create", _: ServicePlan);
administrator_may("update", _: ServicePlan);
administrator_may("view", _: Records);
administrator_may("export", _: Records);
administrator_may("view", _: Trail);
administrator_may("export", _: Trail);
administrator_may("view", _: Policy);
administrator_may("view", _: EmergencyAccess);
administrator_may("end", _: EmergencyAccess);
administrator_may("run", _: Import);

administers(staff: Staff) if staff.role("owner");
administers(staff: Staff) if staff.role("administrator");

# An owner or administrator runs the practice: people, access, switches and records, but no clinical notes.
permit(staff: Staff, action, resource, "administrator.runs_practice") if
    administrator_may(action, resource) and
    administers(staff);

# The owner alone puts a new policy into service.
permit(staff: Staff, "deploy", _policy: Policy, "administrator.owner_deploys_policy") if
    staff.role("owner");
