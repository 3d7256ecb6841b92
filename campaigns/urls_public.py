"""What a measured mail asks for, and where mail services tell what became of a message."""

from django.urls import URLPattern, URLResolver, path, re_path

from campaigns.measurement import public_views
from campaigns.returns.public_views import service_events

urlpatterns: list[URLPattern | URLResolver] = [
    # Whatever stands in it: the picture never says that a token is wrong.
    re_path(r"^o/(?P<token>[\s\S]*)\.gif$", public_views.opened, name="measured-open"),
    path("l/<str:token>", public_views.followed, name="measured-link"),
    path("returns/<slug:service>", service_events, name="service-events"),
]
