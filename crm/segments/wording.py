"""A rule in words, for whoever reads why a contact is in a segment."""

from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from crm.segments.choices import choices_of, has_choices
from crm.segments.rules import Rule

# Of a long list the first few are said, and how many more there are.
SHOWN = 6


class Wording:
    """Says rules in the language of the moment; what a fact offers is asked once."""

    def __init__(self) -> None:
        self._names: dict[str, Mapping[str, str | Promise]] = {}

    def sentence(self, rule: Rule) -> str:
        return f"{rule.fact.label}{gettext(': ')}{self._said(rule)}"

    def _said(self, rule: Rule) -> str:
        value = rule.value
        if isinstance(value, tuple):
            return self._words(rule, value)
        if isinstance(value, bool):
            return self._flag(rule, is_on=value)
        if isinstance(value, date):
            day = date_format(value, "j F Y")
            if rule.operator == "before":
                return gettext("before %(day)s") % {"day": day}
            return gettext("after %(day)s") % {"day": day}
        return self._days(rule.operator, value)

    def _flag(self, rule: Rule, *, is_on: bool) -> str:
        if rule.operator == "ever":
            return gettext("at some time") if is_on else gettext("never")
        return gettext("yes") if is_on else gettext("no")

    def _words(self, rule: Rule, words: tuple[str, ...]) -> str:
        names = self._names_of(rule.fact.name)
        said = [str(names.get(word, word)) for word in words[:SHOWN]]
        if more := len(words) - len(said):
            said.append(ngettext("%(more)d more", "%(more)d more", more) % {"more": more})
        values = gettext(", ").join(said)
        if rule.operator == "not_one_of":
            return gettext("none of %(values)s") % {"values": values}
        if len(words) == 1:
            return values
        if rule.operator == "all_of":
            return gettext("all of %(values)s") % {"values": values}
        return gettext("one of %(values)s") % {"values": values}

    def _names_of(self, fact: str) -> Mapping[str, str | Promise]:
        if fact not in self._names:
            offered = choices_of(fact) if has_choices(fact) else []
            self._names[fact] = {choice.value: choice.label for choice in offered or []}
        return self._names[fact]

    def _days(self, operator: str, days: int) -> str:
        given = {"days": days}
        if operator == "anniversary_in_days":
            if not days:
                return gettext("on this day of the year")
            return (
                ngettext(
                    "the day of the year in %(days)d day",
                    "the day of the year in %(days)d days",
                    days,
                )
                % given
            )
        if operator == "in_next_days":
            return (
                ngettext("within the next %(days)d day", "within the next %(days)d days", days)
                % given
            )
        if operator == "in_last_days":
            return ngettext("in the last %(days)d day", "in the last %(days)d days", days) % given
        return (
            ngettext("not in the last %(days)d day", "not in the last %(days)d days", days) % given
        )
