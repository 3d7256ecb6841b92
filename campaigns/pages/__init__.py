"""Staff pages: campaigns and templates. Views translate; the verbs do."""

WRITERS = ("marketing", "communication")
# The data protection officer sees what was sent, to whom and why not; and changes nothing.
READERS = (*WRITERS, "dpo")
