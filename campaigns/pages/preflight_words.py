"""The words of what was found before a launch: what it is, and what to do."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.preflight.findings import Finding, Verdict

Words = tuple[str | Promise, str | Promise]
_W, _S, _U = Verdict.WARNING, Verdict.STOPS, Verdict.UNKNOWN

# By code, and by verdict where one code has two: what was found, and what to do about it.
_WORDS: dict[tuple[str, Verdict] | str, Words] = {
    "broken": (
        _("The mail has %(count)s things to put right: it cannot be launched."),
        _("They are listed at the top of this page."),
    ),
    "subject": (_("The subject has %(length)s characters."), ""),
    "subject-long": (
        _("The subject has %(length)s characters; phones show about forty."),
        _("Put what matters first, and stay under %(most)s."),
    ),
    "capitals": (
        _("The subject or the preheader is written in capitals."),
        _("Write it as a sentence: capitals read as shouting, to people and to filters."),
    ),
    "exclamations": (
        _("There are %(count)s exclamation marks in the subject and preheader."),
        _("One at most: more of them look like spam."),
    ),
    "tone": (_("No shouting in the subject and preheader."), ""),
    "preheader": (_("The preheader has %(length)s characters."), ""),
    "preheader-missing": (
        _("There is no preheader: mail programs show the first words of the mail instead."),
        _("Write one line that continues the subject."),
    ),
    "preheader-length": (
        _("The preheader has %(length)s characters."),
        _("Between 30 and 130 are shown whole by most programs."),
    ),
    ("size", _W): (
        _("The mail is %(kilobytes)s KB: Gmail cuts off what comes after 102."),
        _("Take out a section. The opt-out link at the foot would be cut off first."),
    ),
    "size": (_("The mail is %(kilobytes)s KB, under the 102 that Gmail shows whole."), ""),
    "no-pictures": (_("There are no pictures: everybody sees the whole mail."), ""),
    ("alternatives", _W): (
        _("%(count)s pictures have no words for those who do not see them."),
        _('Give each one an alt text, or alt="" where it is decoration.'),
    ),
    "alternatives": (_("Each of the %(count)s pictures has its alt text."), ""),
    ("ratio", _W): (
        _("There are %(images)s pictures and only %(words)s words."),
        _("Say in words what the pictures say: many programs do not show them at first."),
    ),
    "ratio": (_("There are enough words (%(words)s) beside the pictures (%(images)s)."), ""),
    ("fallbacks", _W): (
        _("These fields may be empty and have no fallback: %(fields)s."),
        _('Write one, as in {{ first_name | "there" }}.'),
    ),
    "fallbacks": (_("Every field that may be empty has a fallback."), ""),
    ("opt-out", _S): (_("The opt-out link is missing."), _("Add a link to {{ opt_out_url }}.")),
    "opt-out": (_("The opt-out link stands in both parts of the mail."), ""),
    ("identity", _S): (
        _("The mail does not say who is writing."),
        _("Add {{ sender_name }} and {{ sender_address }}, outside of conditional blocks."),
    ),
    "identity-address": (
        _("The mail does not say where the company can be reached."),
        _("Add {{ sender_address }} to its foot."),
    ),
    "identity": (_("The mail says who is writing, and where from."), ""),
    ("text-part", _W): (
        _("The plain text has only %(words)s words."),
        _("Say more in words: this is what watches, screen readers and filters read."),
    ),
    "text-part": (_("The plain text part is there, with %(words)s words."), ""),
    "authentication": (
        _("No DNS server answered: SPF, DKIM and DMARC of %(domain)s were not looked at."),
        _("Look again from a worker that can reach one."),
    ),
    "spf": (_("SPF: %(domain)s says who may send for it."), ""),
    "spf-missing": (
        _("SPF: %(domain)s does not say who may send for it."),
        _("Have a TXT record v=spf1 written that names your relay."),
    ),
    "spf-twice": (
        _("SPF: %(domain)s has two records, which counts as none."),
        _("Have them made into one."),
    ),
    "spf-open": (
        _("SPF: the record of %(domain)s lets everybody send (+all)."),
        _("Have it end with -all or ~all."),
    ),
    "spf-lookups": (
        _("SPF: the record of %(domain)s asks for more than ten look-ups, which counts as none."),
        _("Have some of its includes taken out."),
    ),
    "dkim": (_("DKIM: the key %(name)s is published."), ""),
    "dkim-missing": (
        _("DKIM: there is no key at %(name)s, so the signature cannot be checked."),
        _("Have the public key published there."),
    ),
    "dkim-relay": (
        _("DKIM: this installation does not sign, and %(name)s is not published."),
        _("Your relay may sign under a name of its own: ask whoever runs it."),
    ),
    "dkim-revoked": (
        _("DKIM: the key at %(name)s is revoked."),
        _("Have the key that is in use published."),
    ),
    "dkim-broken": (_("DKIM: the key at %(name)s cannot be read."), _("Have it published anew.")),
    "dkim-short": (
        _("DKIM: the key at %(name)s is shorter than 1024 bits."),
        _("Have one of 2048 bits made."),
    ),
    "dmarc": (_("DMARC: %(domain)s has the policy “%(policy)s”."), ""),
    "dmarc-missing": (
        _("DMARC: %(domain)s has no policy; large mail services require one."),
        _("Have a TXT record at _dmarc with v=DMARC1; p=none written, at the least."),
    ),
    "dmarc-twice": (
        _("DMARC: %(domain)s has two records, which counts as none."),
        _("Have one taken out."),
    ),
    ("alignment", _W): (
        _("The sender’s domain (%(sender)s) is not that of the return path (%(path)s)."),
        _("DMARC then rests on DKIM alone: use a sender of the same domain."),
    ),
    "alignment": (_("The sender’s domain and that of the return path belong together."), ""),
    ("spam", _W): (
        _("%(program)s gives %(score)s points of %(limit)s: %(rules)s"),
        _("Look at the rules it names, the heaviest first."),
    ),
    "spam": (_("%(program)s gives %(score)s points; spam begins at %(limit)s."), ""),
    "spam-not-installed": (
        _("No spam filter is installed beside the worker: no score."),
        _("Install SpamAssassin or Rspamd there to have one."),
    ),
    "spam-failed": (_("The spam filter did not answer as expected."), _("Look again later.")),
    "spam-broken": (_("The spam filter was not asked: the mail is broken."), ""),
    "link": (_("%(url)s answers (%(status)s)."), ""),
    "link-gone": (
        _("%(url)s is gone (%(status)s)."),
        _("Correct the link, or take it out."),
    ),
    "link-refused": (
        _("%(url)s answers programs with %(status)s."),
        _("Open it yourself: many sites refuse programs and answer people."),
    ),
    "link-unanswered": (
        _("%(url)s was not reached from here."),
        _("Open it yourself. The worker may have no way out to the web."),
    ),
    "link-not-public": (
        _("%(url)s leads into a private network, or to an unusual port."),
        _("Your readers are outside: link to an address that everybody can open."),
    ),
    "failed": (
        _("One look failed (%(why)s)."),
        _("Look again; if it fails again, tell operations."),
    ),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding in the words of the active language."""

    verdict: Verdict
    text: str
    advice: str
    version: str = ""


def shown(finding: Finding) -> Shown:
    """Return a finding as the page says it; one that this program no longer makes, by its code."""
    words = _WORDS.get((finding.code, finding.verdict)) or _WORDS.get(finding.code)
    if words is None:
        return Shown(finding.verdict, finding.code, "")
    text, advice = (str(each) % finding.detail if each else "" for each in words)
    return Shown(finding.verdict, text, advice, str(finding.detail.get("version", "")))
