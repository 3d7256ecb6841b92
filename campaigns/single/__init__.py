"""Messages to one person: written for them alone, sent through a gate and a queue of their own."""
