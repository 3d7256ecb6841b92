"""Segments: a closed language of rules over facets, tags, forms, dates, campaigns, permissions."""
