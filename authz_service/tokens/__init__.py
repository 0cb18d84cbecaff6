"""Who calls: access tokens of calling systems, their issue, their verification, and the keys behind both."""
