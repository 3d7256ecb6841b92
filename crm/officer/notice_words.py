"""The words of the pages of notices: kinds, facts, recipients, and what each text is for."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: Mapping[str, Promise] = {
    "direct": _("For forms: the person gives the data"),
    "indirect": _("For people whose data comes from elsewhere"),
    "preferences": _("For the page of choices"),
}
SHORT_KINDS: Mapping[str, Promise] = {
    "direct": _("Forms"),
    "indirect": _("Imported people"),
    "preferences": _("Page of choices"),
}
RECIPIENTS: Mapping[str, Promise] = {
    "teams": _("Our teams in charge of these uses"),
    "providers": _("Providers of hosting and mailing, who act for us alone"),
    "others": _("Others, named below"),
}
FACTS: Mapping[str, Promise] = {
    "controller": _("the company's name or address"),
    "dpo": _("the data protection officer's address"),
    "purposes": _("the purposes"),
    "bases": _("the lawful bases"),
    "retention": _("how long the data is kept"),
    "recipients": _("the recipients"),
    "transfers": _("where the data goes"),
    "rights": _("the rights"),
    "authority": _("the authority to complain to"),
    "decisions": _("automated decisions"),
    "source": _("where the data comes from"),
    "categories": _("the categories of data"),
    "language": _("the languages"),
    "document": _("the published text was not made here: its facts cannot be compared"),
}
# Label, help, rows.
WORDS: Mapping[str, tuple[Promise, Promise | str, int]] = {
    "opening": (_("First lines"), _("What most people read: the essence in two sentences."), 4),
    "others": (_("Other recipients"), _("Each by its name or its category."), 2),
    "transfers": (
        _("Where the data goes"),
        _("The country, and what protects the data there: an adequacy decision, model clauses."),
        2,
    ),
    "mandatory": (
        _("What must be filled in"),
        _("Which fields, and what happens without them."),
        4,
    ),
    "withdrawal": (_("Withdrawing a consent"), _("As easily as it is given."), 4),
    "decisions": (_("How the decision is taken"), _("Its logic, and what follows from it."), 2),
    "source": (_("Where the data comes from"), _("A public source or not, and which one."), 2),
    "categories": (_("Categories of data"), _("Name, e-mail address, company, role…"), 2),
    "closing": (_("Last lines"), _("Anything else, or a link to the whole policy."), 2),
}
INTEREST: tuple[Promise, Promise | str, int] = (
    _("The interest pursued"),
    _("Continues the sentence “our legitimate interest, which is…”"),
    3,
)
