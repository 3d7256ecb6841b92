"""What a mail says: templates checked, compiled once, filled per person. No models, no database."""
