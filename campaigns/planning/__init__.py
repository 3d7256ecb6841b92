"""When a campaign starts, who agrees to it, which variant goes on, and who was missed."""
