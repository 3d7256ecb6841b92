"""Everything the internet may reach. No staff page is in this list."""

from django.urls import URLPattern, URLResolver, include, path

from deploy.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("", include("consent.urls_public")),
    path("", include("forms_intake.urls_public")),
    path("", include("campaigns.urls_public")),
]
