"""Tables of second factors."""
