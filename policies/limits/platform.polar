# What no practice can change.

clinical_record(_: ClinicalNote);
clinical_record(_: TreatmentPlan);

# Clinical notes and treatment plans are never released through the portal.
forbid(_rep: Representative, _action, resource, "platform.clinical_records") if
    clinical_record(resource);

# Psychotherapy notes are never released through the portal.
forbid(_rep: Representative, action, document: Document, "platform.psychotherapy_notes") if
    existing(action, document) and
    document.category = "psychotherapy";

# Among staff, psychotherapy notes are for the assigned therapist alone, in an emergency too.
forbid(staff: Staff, _action, document: Document, "platform.psychotherapy_notes_of_others") if
    document.category = "psychotherapy" and
    not treats(staff);

treats(staff: Staff) if
    staff.role("therapist") and
    staff.assigned;

# Staff work in their own practice only.
forbid(staff: Staff, _action, _resource, "platform.other_practice") if
    staff.tenancy = "other";
