"""The bodies that go over the wire, as pydantic models: they check what comes in and describe it in `/openapi.json`."""
