"""Figures of campaigns: counted by the worker, kept as figures, never about a person."""
