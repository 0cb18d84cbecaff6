"""Changes of the access data, a function for each use case: decided by the policy, checked, recorded, all at once."""
