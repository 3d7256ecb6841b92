"""The language switch: open to everybody, since the sign-in screens need it too."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from crm.access import signed_in_account


def safe_next(request: HttpRequest, url: str) -> str:
    """Return `url` when it is a page of ours, else an empty string."""
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else ""


def remember_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return HttpResponseBadRequest("Unknown language\n", content_type="text/plain")
    account = signed_in_account(request)
    if account is not None:
        account.language = chosen
        account.save(update_fields=["language"])
    target = safe_next(request, request.POST.get("next", "")) or reverse("home")
    response = HttpResponseRedirect(target)
    remember_language(response, chosen)
    return response
