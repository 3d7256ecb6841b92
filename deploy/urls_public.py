"""Everything the internet may reach. No staff page is in this list."""

from django.urls import URLPattern, URLResolver, path

from deploy.health import health

urlpatterns: list[URLPattern | URLResolver] = [path("health", health, name="health")]
