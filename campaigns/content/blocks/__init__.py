"""Mails written as blocks: the document, what it may hold, and the MJML it becomes."""
