"""The policy in service: staged, shadowed, swapped in every process, rolled back."""
