# A parent without authority to decide, or in dispute with the other. Rows P6 to P8.

# A co-parent has what the practice switched on, with what is addressed to this co-parent or to nobody.
permit(rep: Representative, action, resource, "co_parent.switched_on") if
    carer_may(action, resource) and
    rep.kind = "co_parent";

# A co-parent reads the profile but does not change it.
forbid(rep: Representative, "update", _profile: Profile, "co_parent.profile_read_only") if
    rep.kind = "co_parent";

# A co-parent never sees the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "co_parent.no_service_plan") if
    rep.kind = "co_parent";
