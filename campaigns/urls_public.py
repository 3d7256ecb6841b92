"""What a measured mail asks for, the archive, and where mail services tell what became of it."""

from django.urls import URLPattern, URLResolver, path, re_path

from campaigns.archive import public_views as archive
from campaigns.images import public_views as images
from campaigns.measurement import public_views
from campaigns.returns.public_views import service_events

_NUMBER = r"(?P<campaign_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

urlpatterns: list[URLPattern | URLResolver] = [
    # Whatever stands in it: the picture never says that a token is wrong.
    re_path(r"^o/(?P<token>[\s\S]*)\.gif$", public_views.opened, name="measured-open"),
    # MEDIA_PATH of campaigns.content.lint.
    path("media/<str:name>", images.image, name="image-of-a-mail"),
    path("l/<str:token>", public_views.followed, name="measured-link"),
    path("archive/", archive.issues, name="archive"),
    path("archive/links", archive.links, name="archive-links"),
    re_path(r"^archive/(?P<language>fr|en)\.xml$", archive.feed, name="archive-feed"),
    re_path(rf"^archive/{_NUMBER}/(?P<language>fr|en)$", archive.issue, name="archive-issue"),
    re_path(rf"^archive/{_NUMBER}/(?P<language>fr|en)/mail$", archive.mail, name="archive-mail"),
    path("returns/<slug:service>", service_events, name="service-events"),
]
