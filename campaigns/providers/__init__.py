"""Relays that speak a provider's web API and not SMTP, through django-anymail."""
