"""The network of an installation: one plan, and every configuration that follows from it."""
