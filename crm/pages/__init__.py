"""Staff pages. Views translate; the verbs do."""

WRITERS = ("marketing", "sales", "communication")
# The data protection officer sees what is held and why, and can record a "no"; nothing else.
# Customer service is not here: it sees one person at a time, under a ticket.
READERS = (*WRITERS, "dpo")
IMPORTERS = ("marketing",)
IMPORTS_READERS = (*IMPORTERS, "dpo")
EXPORTERS = ("marketing", "dpo")
OFFICERS = ("dpo",)
# Bank details are for those who deal with the organisation; customer service sees none.
ORGANISATION_WRITERS = ("marketing", "sales")
ORGANISATION_NUMBERS = (*ORGANISATION_WRITERS, "dpo")
