"""The append-only, tamper-evident record of changes and decisions (promise 3)."""
