# The only `allow`: some permit holds and no forbid does. Forbids win.

allow(subject, action, resource) if
    permit(subject, action, resource, _) and
    not forbidden(subject, action, resource);

forbidden(subject, action, resource) if
    forbid(subject, action, resource, _);
