# Schedulers keep the calendar.

scheduler_may("view", _: Client);
scheduler_may("view", _: Calendar);
scheduler_may("view", _: Appointment);
scheduler_may("create", _: Appointment);
scheduler_may("update", _: Appointment);
scheduler_may("cancel", _: Appointment);
scheduler_may("reschedule", _: Appointment);

# A scheduler keeps the calendar of the practice.
permit(staff: Staff, action, resource, "scheduler.calendar") if
    scheduler_may(action, resource) and
    staff.role("scheduler");
