"""Customer service: one person at a time, under a ticket, and five fields of them."""
