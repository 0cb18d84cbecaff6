"""Kinguard's authorization service."""
