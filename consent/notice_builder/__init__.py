"""The builder of notices: from facts and a few words to a text that leaves nothing out."""
