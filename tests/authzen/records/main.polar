allow(subject, action, resource) if
    permit(subject, action, resource, _) and
    not forbidden(subject, action, resource);

forbidden(subject, action, resource) if
    forbid(subject, action, resource, _);

# One's own record is at one's disposal.
permit(_user: User, _action, record: Record, "owner.everything") if
    record.owner = "me";

# A department sees its records.
permit(_user: User, "view", record: Record, "department.views") if
    record.department = "own";

# A manager sees every record.
permit(user: User, "view", _record: Record, "manager.views") if
    user.role = "manager";

# A manager edits the department's records.
permit(user: User, "edit", record: Record, "manager.edits_department") if
    user.role = "manager" and
    record.department = "own";

# Only the owner deletes.
forbid(_user: User, "delete", record: Record, "delete.owner_only") if
    record.owner != "me";
