# Security reviewers read policies and the trail, and no client content.

reviewer_may("view", _: Policy);
reviewer_may("run", _: Policy);
reviewer_may("stage", _: Policy);
reviewer_may("view", _: Trail);
reviewer_may("export", _: Trail);
reviewer_may("view", _: EmergencyAccess);

# A reviewer reads and tries policies and reads the trail.
permit(staff: Staff, action, resource, "reviewer.policies_and_trail") if
    reviewer_may(action, resource) and
    staff.role("reviewer");
