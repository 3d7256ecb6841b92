"""The second factor once more, before what cannot be undone (ASVS 5.0 7.5.3)."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.access import account_of, staff_page
from crm.accounts import passkeys, second_factor
from crm.accounts.forms import EitherCodeForm
from crm.accounts.second_factor import TooManyCodes, WrongCode
from crm.accounts.sign_in import WRONG, confirm_again, explain_refusal
from crm.pages.language import safe_next


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page()
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for a code and go back to the page that wanted it."""
    form = EitherCodeForm(request.POST or None)
    target = safe_next(request, request.GET.get("next", "")) or "home"
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data["code"]
            second_factor.check_either(account=account_of(request), code=given, now=timezone.now())
        except (WrongCode, TooManyCodes) as refusal:
            explain_refusal(form, refusal, WRONG)
        else:
            confirm_again(request)
            return redirect(target)
    context = {
        "form": form,
        "has_passkey": passkeys.has_passkey(account_of(request)),
        "next_quoted": quote(request.GET.get("next", ""), safe=""),
    }
    return render(request, "crm/account/confirm.html", context)
