"""Score rules: listed, written with a look at what they would give, archived and brought back."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.models import ScoreRule
from crm.pages import READERS, SCORERS
from crm.pages.segment_builder import GroupRow, facts_by_family, from_rules
from crm.pages.segment_form import from_post
from crm.scoring import store
from crm.scoring.reckoning import SAMPLE, distribution
from crm.scoring.store import RuleDraft, ScoreRuleUnknown, TooManyRules


class ScoreRuleForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the rule a name.")},
    )
    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=-store.POINTS_MAX,
        max_value=store.POINTS_MAX,
        help_text=gettext_lazy("From −100 to 100."),
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    half_life_days = forms.IntegerField(
        label=gettext_lazy("Half of them are gone after so many days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=gettext_lazy("Counted from the person's last act. Empty: they stay."),
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )


@require_safe
@staff_page(*READERS)
def score_rule_list(request: HttpRequest) -> HttpResponse:
    rules, now = store.score_rules(), timezone.now()
    context = {
        "rules": rules,
        "steps": distribution(rules=rules, now=now) if rules else [],
        "sample": SAMPLE,
        "may_write": account_of(request).role in SCORERS,
        "just_archived": _archived(request.GET.get("archived", "")),
    }
    return render(request, "crm/scoring/list.html", context)


def _archived(number: str) -> ScoreRule | None:
    try:
        return ScoreRule.objects.filter(id=UUID(number)).exclude(archived_at=None).first()
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*SCORERS)
def score_rule_new(request: HttpRequest) -> HttpResponse:
    return _builder(request, ScoreRuleForm(_given(request)), None, from_rules({}))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*READERS)
def score_rule_edit(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Show a rule; the data protection officer may try one out, and saves nothing."""
    row = get_object_or_404(ScoreRule, id=rule_id, archived_at=None)
    initial = {name: getattr(row, name) for name in ScoreRuleForm.base_fields}
    form = ScoreRuleForm(_given(request), initial=initial)
    return _builder(request, form, row, from_rules(row.rules))


def _given(request: HttpRequest) -> QueryDict | None:
    """What was sent, also if it is empty: then every field says what it needs."""
    return request.POST if request.method == "POST" else None


def _builder(
    request: HttpRequest, form: ScoreRuleForm, row: ScoreRule | None, tree: GroupRow
) -> HttpResponse:
    may_write = account_of(request).role in SCORERS
    is_save = request.POST.get("do") == "save"
    if is_save and not may_write:
        raise PermissionDenied
    if request.method == "POST":
        tree = from_post(request.POST)
    is_right = tree.check(is_strict=is_save)
    if is_save and is_right and form.is_valid() and _is_saved(request, form, row, tree):
        return redirect("score-rule-list")
    context = {
        "form": form,
        "shows_errors": is_save,
        "rule": row,
        "tree": tree,
        "facts": facts_by_family(),
        "may_write": may_write,
        "is_right": is_right,
        "sample": SAMPLE,
        "steps": _steps(form, row, tree) if is_right and request.method == "POST" else None,
    }
    return render(request, _template(request), context)


def _template(request: HttpRequest) -> str:
    """A change of a value redraws the numbers alone, so that typing is never interrupted."""
    if request.headers.get("HX-Request") != "true":
        return "crm/scoring/edit.html"
    is_numbers = request.headers.get("HX-Target") == "preview"
    return "crm/scoring/_numbers.html" if is_numbers else "crm/scoring/_redrawn.html"


def _steps(
    form: ScoreRuleForm, row: ScoreRule | None, tree: GroupRow
) -> list[tuple[int, int]] | None:
    """How the leads would be spread with this rule as it stands in the form."""
    form.is_valid()
    points = form.cleaned_data.get("points")
    if points is None:
        return None
    others = [one for one in store.score_rules() if row is None or one.id != row.id]
    tried = ScoreRule(
        id=row.id if row else UUID(int=0),
        rules=tree.node(),
        points=points,
        half_life_days=form.cleaned_data.get("half_life_days"),
    )
    return distribution(rules=[*others, tried], now=timezone.now())


def _is_saved(
    request: HttpRequest, form: ScoreRuleForm, row: ScoreRule | None, tree: GroupRow
) -> bool:
    draft, now = RuleDraft(**form.cleaned_data, rules=tree.node()), timezone.now()
    try:
        if row is None:
            store.create_rule(draft=draft, actor_id=account_of(request).id, now=now)
        else:
            store.change_rule(rule_id=row.id, draft=draft, now=now)
    except TooManyRules:
        form.add_error("name", _("There are as many rules as may be: archive one first."))
        return False
    except ScoreRuleUnknown:
        form.add_error("name", _("This rule was archived meanwhile."))
        return False
    messages.success(request, _("The rule is saved. Every score is reckoned anew."))
    return True


@require_POST
@staff_page(*SCORERS)
def score_rule_archive(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """The list then offers to undo it."""
    try:
        store.archive_rule(rule_id=rule_id, now=timezone.now())
    except ScoreRuleUnknown:
        raise Http404 from None
    return redirect(f"{reverse('score-rule-list')}?archived={rule_id}")


@require_POST
@staff_page(*SCORERS)
def score_rule_restore(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    try:
        store.restore_rule(rule_id=rule_id)
    except ScoreRuleUnknown:
        raise Http404 from None
    except TooManyRules:
        messages.error(request, _("There are as many rules as may be: archive one first."))
    else:
        messages.success(request, _("The rule counts again."))
    return redirect("score-rule-list")
