"""What the authz service and the gateway share: words, ids, wire bodies, tables and migrations."""
