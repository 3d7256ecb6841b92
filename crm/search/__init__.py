"""Search of contacts by any part of a name, company, address or number: a process of its own.

Names are indexed nowhere at rest. This process holds their folded text in memory alone, answers
ids through a Unix socket, and follows what changes in the databases. `docs/search.md` says more.
"""
