"""Staff pages: campaigns and templates. Views translate; the verbs do."""

WRITERS = ("marketing", "communication")
# Sales see what their customers were sent; the data protection officer sees to whom, and why
# not. Neither changes anything.
READERS = (*WRITERS, "sales", "dpo")
