"""From a status code and a sentence to what happened: RFC 3463 first, then the words.

The words are those of mail services, in the languages that ours write. A bounce whose reason
nobody recognises is soft: it counts a little and is forgotten again. A text that is no bounce for
certain is not judged here at all.
"""

import re

from campaigns.returns.kinds import Kind, Why

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.-])([45]\d\d)(?=[ -])")
# How much of a sentence is looked at: a status text is a few lines.
_LONGEST = 4_000


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_UNKNOWN_USER = _words(
    r"user unknown",
    r"unknown (?:user|recipient|account|mailbox|address)",
    r"no such (?:user|mail"
    r"box|recipient|person|address|local user)",
    r"(?:user|mailbox|recipient|account|address) (?:w"
    r"as |is |does |could )?not (?:be )?(?:found|exist)",
    r"does(?:n't| not) (?:exist|have an? \S{0,80}"
    r" ?account)",
    r"invalid (?:recipient|mailbox|address)",
    r"recipientnotfound",
    r"mailbox unavail"
    r"able",
    r"recipient address rejected: access denied",
    r"not listed in public",
    r"no mailbox here",
    r"unrouteable address",
    r"utilisateur inconnu",
    r"adresse (?:e-?mail )?(?:inconnue|inexistante)",
    r"adresse d au moins un destinataire invalide",
    r"destinataire (?:inconnu|introuvable|invalide)",
    r"(?:boîte|boite) (?:aux lettres )?inexistante",
    r"n['’]existe pas",
    r"(?:introuvable|pas trouv)",
    r"empfänger unbekannt",
    r"existiert nicht",
    r"no longer (?:valid|available|with)",
    r"this account (?:has been|is) (?:closed|deleted)",
    r"bad destination mailbox",
)
_DISABLED = _words(
    r"(?:account|mailbox|user)\b.{0,80}\b(?:is |has been )?(?:disabled|suspended|inactive|deacti"
    r"vated)",
    r"inactive user",
    r"compte (?:désactivé|suspendu|inactif)",
    r"boîte désactivée",
)
_FULL = _words(
    r"mailbox (?:is )?full",
    r"over ?quota",
    r"quota (?:has been |is )?exceeded",
    r"exceeded (?:its|"
    r"his|her|their|the) (?:\w+ )?(?:quota|storage)",
    r"out of (?:storage|space)",
    r"insufficient "
    r"(?:system )?storage",
    r"(?:boîte|boite) (?:aux lettres |de réception )?(?:est )?pleine",
    r"quota (?:dépassé|atteint)",
    r"dépass\w+ (?:son|le) quota",
    r"postfach (?:ist )?voll",
    r"user is overquota",
    r"storage limit",
)
_BLOCKED = _words(
    r"\bspam\b",
    r"blacklist",
    r"blocklist",
    r"block list",
    r"black list",
    r"\bdnsbl\b",
    r"\brbl\b",
    r"spamhaus",
    r"reputation",
    r"\bdmarc\b",
    r"\bspf\b",
    r"\bdkim\b",
    r"policy",
    r"unauthenticated "
    r"email",
    r"service refus",
    r"access denied",
    r"too many connections",
    r"trop de connexions",
    r"considered? (?:as )?(?:spam|junk|unsolicited)",
    r"unsolicited",
    r"content rejected",
    r"message (?:was |has been )?(?:blocked|refused)",
    r"bloqué",
    r"indésirable",
    r"virus",
    r"\bofr[_ ]?(?:50\d|00\d|99\d)",
    r"\blpn\d{3}_",
    r"banned",
    r"not accepted from your",
)
_GONE = _words(
    r"host (?:or domain name )?not found",
    r"domain (?:name )?(?:not found|does not exist)",
    r"no such domain",
    r"\bnxdomain\b",
    r"domaine? (?:inconnu|inexistant|introuvable)",
    r"null ?mx",
    r"domain of \S{1,120} does not exist",
    r"does not accept mail",
)
_LARGE = _words(
    r"(?:message|mail) (?:size|is too large|too (?:big|large))",
    r"exceeds? (?:the )?(?:fixed )?max"
    r"imum message size",
    r"message trop (?:gros|volumineux)",
    r"size limit",
)
_EXPIRED = _words(
    r"(?:delivery )?time(?:d)? ?out",
    r"retry timeout",
    r"message expired",
    r"could not be delivered"
    r" for",
    r"too old",
    r"expir",
    r"connection (?:timed out|refused)",
    r"délai dépassé",
)
_GREY = _words(r"gr[ea]y-?list", r"liste grise")
_LATER = _words(r"try again (?:in|later)", r"veuillez (?:essayer|réessayer) plus tard")

_BY_STATUS: dict[str, Why] = {
    "1.2": Why.DOMAIN_GONE,
    "1.10": Why.UNKNOWN_USER,
    "2.1": Why.DISABLED,
    "2.2": Why.FULL,
    "2.3": Why.TOO_LARGE,
    "3.4": Why.TOO_LARGE,
    "4.310": Why.DOMAIN_GONE,
    "4.7": Why.EXPIRED,
    "4.1": Why.EXPIRED,
    "4.4": Why.DOMAIN_GONE,
}
# 5.1.7 and 5.1.8 are about the sender (RFC 3463 3.2), 5.1.9 about authentication of it.
_ABOUT_US = ("1.7", "1.8", "1.9")
_HARD = (Why.UNKNOWN_USER, Why.DOMAIN_GONE, Why.DISABLED)


def status_in(text: str) -> str:
    """Return the first enhanced status code of a text (5.1.1), or the reply code, or nothing."""
    found = _ENHANCED.search(text[:_LONGEST]) or _REPLY.search(text[:_LONGEST])
    return found[1] if found else ""


def why_of(status: str, text: str) -> Why:
    """Return why a message failed or waits, as its status and its words say."""
    text = text[:_LONGEST]
    by_words = _by_words(text)
    subject = status.partition(".")[2] if "." in status else ""
    if by_words == Why.GREYLISTED and status.startswith("4"):
        return by_words
    if subject.startswith("7.") or subject in _ABOUT_US:
        # Some services say 5.7.1 to whoever writes to nobody; everybody says it about spam too.
        is_nobody = by_words == Why.UNKNOWN_USER and not _BLOCKED.search(text)
        return Why.UNKNOWN_USER if is_nobody else Why.BLOCKED
    if subject == "4.1" and by_words == Why.UNKNOWN_USER:
        return by_words  # Microsoft 365: "5.4.1 Recipient address rejected: Access denied"
    if subject.startswith("1.") and subject not in _BY_STATUS:
        is_about_us = by_words == Why.BLOCKED and subject == "1.0"
        return by_words if by_words == Why.DOMAIN_GONE or is_about_us else Why.UNKNOWN_USER
    return _BY_STATUS.get(subject) or by_words


def _by_words(text: str) -> Why:
    for pattern, why in _ORDER:
        if pattern.search(text):
            return why
    return Why.OTHER


_ORDER = (
    (_FULL, Why.FULL),
    (_DISABLED, Why.DISABLED),
    (_GONE, Why.DOMAIN_GONE),
    (_UNKNOWN_USER, Why.UNKNOWN_USER),
    (_LARGE, Why.TOO_LARGE),
    (_GREY, Why.GREYLISTED),
    (_BLOCKED, Why.BLOCKED),
    (_LATER, Why.GREYLISTED),
    (_EXPIRED, Why.EXPIRED),
)


def failed(status: str, text: str) -> tuple[Kind, Why]:
    """Judge a message that will not be delivered any more.

    Hard needs a permanent code (or none) and a reason that is about the address. "Will try later"
    of a message that has failed is an expiry.
    """
    why = why_of(status, text)
    if why == Why.GREYLISTED:
        why = Why.EXPIRED
    is_permanent = not status.startswith("4")
    return (Kind.HARD_BOUNCE if is_permanent and why in _HARD else Kind.SOFT_BOUNCE), why
