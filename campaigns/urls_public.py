"""What a measured mail asks for."""

from django.urls import URLPattern, URLResolver, path, re_path

from campaigns.images import public_views as images
from campaigns.measurement import public_views

urlpatterns: list[URLPattern | URLResolver] = [
    # Whatever stands in it: the picture never says that a token is wrong.
    re_path(r"^o/(?P<token>[\s\S]*)\.gif$", public_views.opened, name="measured-open"),
    # MEDIA_PATH of campaigns.content.lint.
    path("media/<str:name>", images.image, name="image-of-a-mail"),
    path("l/<str:token>", public_views.followed, name="measured-link"),
]
