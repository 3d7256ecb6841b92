"""Staff pages. Views translate; the verbs do."""

WRITERS = ("marketing", "sales", "communication")
# The data protection officer sees what is held and why, and can record a "no"; nothing else.
# Customer service is not here: it sees one person at a time, under a ticket.
READERS = (*WRITERS, "dpo")
IMPORTERS = ("marketing",)
IMPORTS_READERS = (*IMPORTERS, "dpo")
# Who may take a proof along; the evidence in it is for the data protection officer.
PROVERS = ("dpo", "marketing", "sales")
# What a machine may be let in for, and whom each answer is for: a token opens what both allow.
SCOPES = {
    "permissions:read": READERS,
    "records:read": PROVERS,
    "proofs:read": PROVERS,
    "leads:read": READERS,
    "messages:send": WRITERS,
}
TOKEN_MAKERS = READERS
# Who watches over the doors.
WATCHERS = ("dsi", "administrator", "dpo")
EXPORTERS = ("marketing", "dpo")
OFFICERS = ("dpo",)
# Bank details are for those who deal with the organisation; customer service sees none.
ORGANISATION_WRITERS = ("marketing", "sales")
ORGANISATION_NUMBERS = (*ORGANISATION_WRITERS, "dpo")
# Who says which other systems are called, and holds the secrets: those who run the systems and
# those who keep the accounts. Nothing of a person is told, or shown there.
WEBHOOK_KEEPERS = ("dsi", "administrator")
# Points decide who is answered first: those who answer for it make the rules, others read them.
SCORERS = ("marketing", "sales")
