"""Staff pages of forms. Views translate; the verbs do."""

# Everybody signed in may read a form: it is public already, or will be.
EDITORS = ("marketing", "communication", "dpo")
