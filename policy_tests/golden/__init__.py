"""The access matrix of the cast: what everyone may do with everything, kept as text and read in review."""
