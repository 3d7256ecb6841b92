"""Messages that other systems ask to be sent to one person: no marketing, never measured."""
