"""Tells browsers that no page of ours uses a camera, a place or a payment, nor may anything in it.

https://www.w3.org/TR/permissions-policy/ : an empty list means nobody.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_UNUSED = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture",
    "encrypted-media", "geolocation", "gyroscope", "hid", "magnetometer", "microphone", "midi",
    "payment", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
POLICY = ", ".join(f"{feature}=()" for feature in _UNUSED)


class PermissionsPolicyMiddleware:
    """Stands before the static files, so that they carry it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", POLICY)
        return response
