"""Everything staff may reach, from the office and VPN networks only."""

from django.urls import URLPattern, URLResolver, include, path

from deploy.health import health

handler403 = "crm.pages.errors.forbidden"
handler404 = "crm.pages.errors.not_found"
handler500 = "crm.pages.errors.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("", include("crm.urls_staff")),
    path("", include("forms_intake.urls_staff")),
    path("", include("campaigns.urls_staff")),
]
