"""Accounts of staff: the two factors, the sign-in screens, the life of a session."""
