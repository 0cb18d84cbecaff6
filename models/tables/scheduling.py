"""Tables of availability and self-scheduling."""
