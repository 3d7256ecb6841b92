"""Files of people: asked for with a reason, agreed to, sealed, marked, counted and destroyed."""
