"""The ways out: which relay carries the next messages, and how many it may be given."""
