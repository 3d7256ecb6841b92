"""Everything staff may reach, from the office and VPN networks only."""

from django.urls import URLPattern, URLResolver, path

from deploy.health import health

urlpatterns: list[URLPattern | URLResolver] = [path("health", health, name="health")]
