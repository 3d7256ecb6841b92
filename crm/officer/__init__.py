"""Pages of the data protection officer: purposes, balancing assessments, rules of law.

Who asks people for a purpose may read why it is allowed; the officer alone writes.
"""

OFFICER = ("dpo",)
