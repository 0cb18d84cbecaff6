"""Tables of requests of families to the practice."""
