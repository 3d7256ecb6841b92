"""Mail on the wire: building messages and handing them to a relay. No models, no database."""
