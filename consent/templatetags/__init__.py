"""Tags of the pages that show what people are told."""
