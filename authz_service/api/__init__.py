"""The service over HTTP: AuthZEN on a short path of its own, everything else through one table of routes."""
