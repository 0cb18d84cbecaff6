"""Bringing clients, contacts and toggles in from a file."""
