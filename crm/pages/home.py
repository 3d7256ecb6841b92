"""The first page after the sign-in: what waits for this person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm import shell
from crm.access import account_of, staff_page


@require_safe
@staff_page()
def home(request: HttpRequest) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    context = {
        "hour": timezone.localtime(now).hour,
        "cards": [(c, c.provider(account, now)) for c in shell.cards_of(role=account.role)],
        "lists": [(one, one.provider(account, now)) for one in shell.lists_of(role=account.role)],
        "steps": shell.steps_of(role=account.role),
    }
    return render(request, "crm/home.html", context)
