"""What a reviewer asks of live data: recorded decisions replayed, and whom a change touches."""
