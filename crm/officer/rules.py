"""Rules of law: what holds, from which text, since when; and changing one."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from consent import services as consent
from consent.services import RuleNow, RuleRefused
from crm.access import account_of, staff_page
from crm.officer import OFFICER
from crm.officer.forms import RuleForm
from crm.officer.purposes import may_write
from crm.officer.showing import Words, staff_names
from crm.officer.wording import VALUES
from crm.pages import READERS
from crm.pages.labels import words


@dataclass(frozen=True)
class ReadingLine:
    """A reading of a rule as its page lists it."""

    value: Words
    source: str
    since: object  # a moment; None: as long as there has been the rule
    author: str
    is_ahead: bool
    holds: bool


@require_safe
@staff_page(*READERS)
def rule_list(request: HttpRequest) -> HttpResponse:
    rules = consent.legal_rules(at=timezone.now())
    context = {
        "rules": [(rule, _lines(rule)) for rule in rules],
        "may_write": may_write(request),
    }
    return render(request, "crm/officer/rules.html", context)


def _lines(rule: RuleNow) -> list[ReadingLine]:
    names = staff_names(reading.decided_by for reading in rule.readings)
    held = rule.readings.index(rule.reading)
    return [
        ReadingLine(
            words(VALUES, reading.value),
            reading.source,
            reading.since if reading.since.year > 1970 else None,
            names.get(reading.decided_by, ""),
            is_ahead=place < held,
            holds=place == held,
        )
        for place, reading in enumerate(rule.readings)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def rule_change(request: HttpRequest, code: str) -> HttpResponse:
    now = timezone.now()
    rule = next((each for each in consent.legal_rules(at=now) if each.rule.code == code), None)
    if rule is None:
        raise Http404
    form = RuleForm(request.POST or None, rule=rule, initial={"value": rule.reading.value})
    if request.method == "POST" and form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("value", "source")}
        try:
            consent.change_legal_rule(code=code, **said, actor_id=account_of(request).id, now=now)
        except RuleRefused as refusal:
            form.add_error(refusal.field, str(refusal.sentence))
        else:
            messages.success(request, _("The rule is changed from now on."))
            return redirect("rule-list")
    context = {"form": form, "rule": rule, "lines": _lines(rule)}
    status = 422 if form.errors else 200
    return render(request, "crm/officer/rule_change.html", context, status=status)
