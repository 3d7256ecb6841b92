"""Opens and clicks of the people who agreed to that: their mail, the answers, the days kept."""

# Who is measured has agreed to this purpose, beside the permission to be written to.
PURPOSE, CHANNEL = "email_measurement", "email"
OPEN, CLICK = "open", "click"  # scopes of the tokens
