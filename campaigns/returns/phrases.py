"""What machines and people write when they answer, in the languages that our mail is written in."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


DAEMON = _any(
    r"mailer-?daemon",
    r"mail delivery (?:system|sub)",
    r"postmaster@",
    r"microsoftexchange[0-9a-f]+@",
    r"mail delivery",
    r"\bdaemon@",
    r"mdaemon@",
    r"bounces?@",
    r"système de messagerie",
)
UNDELIVERED = _any(
    r"undeliver",
    r"deliver\w* (?:has )?fail",
    r"delivery status notification",
    r"failure notice",
    r"returned (?:mail|to sender)",
    r"returning message",
    r"could ?n[o']t be delivered",
    r"not delivered",
    r"non[ -]remis",
    r"non remise",
    r"échec (?:de la )?(?:remise|livraison|"
    r"distribution)",
    r"n['’]a pas (?:pu )?(?:être|été) (?:remis|distribué|délivré|livré)",
    r"impossible (?:de remettre|à remettre)",
    r"n['’]est pas distribuable",
    r"unzustellbar",
    r"permanent(?:ly)? (?:fatal )?error",
    r"permanent error",
    r"retour à l['’]expéditeur",
    r"mail system error",
    r"mail delivery failed",
    r"message bounced",
)
NOT_YET = _any(
    r"will (?:continue to )?(?:keep )?(?:be )?retr(?:y|ied)",
    r"delayed",
    r"no action is required",
    r"not yet been delivered",
    r"still (?:being )?(?:trying|retried)",
    r"warning: message",
    r"délai (?:de|dans la) (?:remise|livraison|distribution)",
    r"retardée?",
    r"this is a warning",
    r"nouvelles? tentatives? (?:seront|sera|de remise)",
    r"you do not need to resend",
)
ABSENT = _any(
    r"out of (?:the )?office",
    r"^\s*auto(?:matic)?[ -]?(?:reply|response)?\s*:",
    r"automatic reply",
    r"auto-?reply",
    r"autoresponse",
    r"vacation",
    r"on (?:annual |maternity |parental |sick )?leave",
    r"réponse automatique",
    r"message automatique",
    r"absen(?:ce|te?) (?:du bureau|jusqu|pour|:)",
    r"^\s*(?:re\s*:\s*)?absen(?:ce|te?)\b",
    r"en congés?",
    r"abwesen",
    r"automatische antwort",
    r"nicht im (?:haus|büro)",
    r"fuera de la oficina",
    r"fuori sede",
    r"accusé de réception",
    r"we have received your",
    r"nous avons bien reçu votre",
)
CHALLENGE = _any(
    r"mailinblack",
    r"vade ?secure challenge",
    r"boxbe",
    r"spamarrest",
    r"spam ?blocker",
    r"(?:confirm|prove|verify) that you are (?:an? )?(?:human|person|real|not a (?:ro)?bot)",
    r"(?:vous|de vous) authentifier",
    r"authentification (?:de l['’]expéditeur|requise|nécessaire)",
    r"vérification de (?:l['’]expéditeur|votre adresse)",
    r"prouver que vous (?:êtes|n['’]êtes)",
    r"sender (?:verification|address verification) (?:required|request)",
    r"challenge[- ]response",
    r"votre (?:e-?mail|message) (?:est|a été) (?:mis )?en (?:attente|quarantaine)",
)
# "RE:", "AW:" of Germans, "RÉP :" of some French programs.
ANSWER = re.compile(r"\s*(?:re|aw|antw|sv|r[ée]p?)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
FORWARD = re.compile(r"\s*(?:fw|fwd|tr|wg|i)\s*:", re.IGNORECASE)
NO = frozenset(
    {
        *("stop", "unsubscribe", "unsubscribe me", "remove", "remove me", "please remove me"),
        *("please unsubscribe me", "opt out", "opt-out", "désinscription", "desinscription"),
        *("désabonnement", "desabonnement", "désabonner", "se désabonner", "désinscrire"),
        *("désinscrivez-moi", "désabonnez-moi", "désinscrivez moi", "désabonnez moi"),
        *("merci de me désinscrire", "merci de me désabonner", "me désinscrire", "me désabonner"),
        *("merci de me retirer de votre liste", "stop pub", "abmelden", "abbestellen"),
        *("bitte abmelden", "austragen"),
    }
)
# What somebody asks for in words of their own. A closed list that is wide on purpose: whoever is
# found by it is read by a person, and nothing else follows.
WISH = _any(
    r"\bd[ée]sinscri",
    r"\bd[ée]sabonn",
    r"\bne (?:veux|souhaite|désire|voulons|souhaitons|désirons) (?:plus|pas|rien)\b",
    r"\bplus (?:jamais )?(?:rien )?(?:recevoir|entendre|être (?:contacté|sollicité|démarché))",
    r"\bplus (?:jamais )?(?:de|aucun) (?:vos )?(?:e-?mails?|mails?|messages?|courriels?|pubs?\b|"
    r"publicités?|newsletters?|sollicitations?)",
    r"(?:m'|\bme |\bnous )(?:envoyez|écrivez|contactez|adressez|sollicitez|démarchez|appelez|"
    r"envoie|écris|contacte) (?:plus|rien)\b",
    r"\b(?:arr[êe]t|cess|stopp)(?:ez|er|e)\b",
    r"\b(?:supprim|effac|retir|enl[eè]v|ray|radi)(?:ez|er|e|ées?|és?|ions?)\b.{0,60}?(?:\bmoi\b|"
    r"\bm['e]|donnée|adresse|coordonnée|compte|e-?mail|\bnom\b|information|liste|fichier|base)",
    r"\b(?:suppression|effacement|radiation)\b",
    r"\boubliez[- ]moi\b|\bdroit (?:à l'|d'|de )\w",
    r"\b(?:m'oppose|opposition)\b",
    r"\b(?:retir|révoqu|annul)\w* mon (?:consentement|accord)",
    r"\bdonnées (?:à caractère )?personnel",
    r"\bd'où (?:avez|tenez)|\bcomment avez[- ]vous (?:eu|obtenu|trouvé)",
    r"\b(?:rgpd|gdpr|cnil|dsgvo|dpo)\b",
    r"\b(?:spams?|spamm\w+|pourriels?|harc[èe]l\w+|laissez[- ]moi tranquille)\b",
    r"\bunsubscrib|\bopt(?:ed|ing)?[- ](?:me )?out\b|\bsign me off\b",
    r"\bstop (?:send|e-?mail|mail|contact|writ|spamm|bother|these|this|it\b|all)",
    r"\b(?:do not|don't|no longer|never|not) (?:want|wish|like|e-?mail|contact|send|write|mail)",
    r"\bno (?:more|further) (?:e-?mails?|mails?|messages?|newsletters?|contact)",
    r"\b(?:remove|delete|erase|take|forget) (?:me|my|us|our|all (?:of )?(?:my|our))\b",
    r"\bright (?:to|of) (?:be forgotten|erasure|object|access|rectification)|\bi object\b",
    r"\bwithdraw\w* (?:my|our) (?:consent|agreement)|\bpersonal data\b|\bdata protection\b",
    r"\bwhere did you (?:get|find)|\bhow did you (?:get|find)|\bleave me alone\b",
    r"\b(?:abmelden|abbestellen|austragen|abbestellung|abmeldung)\b|\bwiderspr[eiu]ch",
    r"\bkeine (?:weiteren )?(?:e-?mails?|mails?|newsletter|nachrichten|werbung)\b",
    r"\blöschen sie\b|\bdaten .{0,20}löschen",
)
_NO_WORD = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(word) for word in sorted(NO)) + r")(?!\w)", re.IGNORECASE
)
_QUOTE = re.compile(
    r"^(?:>|-{2,}\s*(?:original|message|mensaje|ursprüngliche)|_{10,}|le .{5,90}(?:a écrit|écrit)"
    r"|on .{5,90}wrote|am .{5,90}schrieb|(?:de|from|von) ?: .{1,120}@)",
    re.IGNORECASE,
)


def without_quotes(text: str) -> str:
    """Return what somebody wrote themselves: up to the first line that quotes."""
    lines: list[str] = []
    for line in text.splitlines()[:400]:
        if _QUOTE.match(line.strip()) or line.rstrip("\r") == "--":
            break
        lines.append(line)
    return "\n".join(lines).strip()


def has_wish(text: str) -> bool:
    """Return whether words ask for something that a person of ours has to do, or may have to."""
    plain = re.sub(r"\s+", " ", text.replace("’", "'"))
    return bool(WISH.search(plain) or _NO_WORD.search(plain))


def bare(text: str) -> str:
    """Return words without "RE:" before them and points behind them."""
    text = ANSWER.sub("", text, count=1) if ANSWER.match(text) else text
    return re.sub(r"\s+", " ", text).strip(" .!,;:-\t\r\n\"'«»").lower()
