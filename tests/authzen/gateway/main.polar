allow(subject, action, resource) if
    permit(subject, action, resource, _) and
    not forbidden(subject, action, resource);

forbidden(subject, action, resource) if
    forbid(subject, action, resource, _);

# Everyone reads people and the list.
permit(_who: Identity, "GET", path: Path, "everyone.reads") if
    path.template in ["/users/{userId}", "/todos"];

# Writers add to the list, and delete from it.
permit(who: Identity, action, path: Path, "writer.adds_and_deletes") if
    writes(action, path) and
    (who.role("admin") = true or who.role("editor") = true);

writes("POST", path: Path) if path.template = "/todos";
writes("DELETE", path: Path) if path.template = "/todos/{todoId}";

# An evil genius and an editor change a todo.
permit(who: Identity, "PUT", path: Path, "changer.puts") if
    path.template = "/todos/{todoId}" and
    (who.role("evil_genius") = true or who.role("editor") = true);

# People are never changed through the gateway.
forbid(_who: Identity, action, path: Path, "people.read_only") if
    path.template = "/users/{userId}" and
    not action = "GET";
