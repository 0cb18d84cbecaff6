allow(subject, action, resource) if
    permit(subject, action, resource, _) and
    not forbidden(subject, action, resource);

forbidden(subject, action, resource) if
    forbid(subject, action, resource, _);

# Everyone may read who somebody is.
permit(_user: User, "can_read_user", _profile: Profile, "everyone.reads_profiles");

# Everyone may read the list.
permit(_user: User, "can_read_todos", _todo: Todo, "everyone.reads_todos");

# Administrators and editors add todos.
permit(user: User, "can_create_todo", _todo: Todo, "writer.creates") if
    user.role("admin") = true or user.role("editor") = true;

# An evil genius changes anybody's todo.
permit(user: User, "can_update_todo", _todo: Todo, "evil_genius.updates") if
    user.role("evil_genius") = true;

# An administrator deletes anybody's todo.
permit(user: User, "can_delete_todo", _todo: Todo, "admin.deletes") if
    user.role("admin") = true;

# Editors change and delete what is theirs.
permit(user: User, action, todo: Todo, "editor.own") if
    action in ["can_update_todo", "can_delete_todo"] and
    user.role("editor") = true and
    todo.owner = "me";

# Who only views changes nothing.
forbid(user: User, action, _todo: Todo, "viewer.reads_only") if
    action != "can_read_todos" and
    user.role("viewer") = true;
