"""What Nordelia's forms, notices and campaigns say."""

from typing import Any

from consent.services import Basis
from forms_intake.services import FormDraft, PurposeChoice

ORGANISATION = "Nordelia"
# Of the builder's words: the rest of the notice is ready-made.
NOTICE_OPENING = {
    "fr": "Nordelia utilise vos données pour vous répondre et, si vous l’acceptez ou ne vous y"
    " opposez pas, pour vous parler de ses logiciels.",
    "en": "Nordelia uses your data to answer you and, if you agree or do not object, to tell you"
    " about its software.",
}
NOTICE_CODE = "site"

_NEWSLETTER = PurposeChoice(
    "newsletter",
    "email",
    Basis.CONSENT,
    {
        "fr": "Je veux recevoir la lettre mensuelle de Nordelia par e-mail.",
        "en": "I want to receive Nordelia's monthly letter by e-mail.",
    },
)
_MEASURE = PurposeChoice(
    "email_measurement",
    "email",
    Basis.CONSENT,
    {
        "fr": "J’accepte que Nordelia mesure si j’ouvre ses e-mails et quels liens je suis.",
        "en": "I agree that Nordelia measures whether I open its e-mails and which links I follow.",
    },
)
_ANSWER = PurposeChoice("reply_to_request", "email", Basis.PRE_CONTRACT)
_OFFERS = PurposeChoice(
    "targeted_promotion",
    "email",
    Basis.LEGITIMATE_INTEREST,
    {
        "fr": "Je ne veux pas recevoir d’offres choisies pour mon métier.",
        "en": "I do not want to receive offers chosen for my work.",
    },
)
_CALLS = PurposeChoice(
    "phone_prospecting",
    "phone",
    Basis.LEGITIMATE_INTEREST,
    {"fr": "Je ne veux pas être appelé.", "en": "I do not want to be called."},
)


def _fields(**mandatory: bool) -> list[dict[str, object]]:
    return [{"name": name, "is_required": is_required} for name, is_required in mandatory.items()]


def _draft(
    texts: dict[str, dict[str, str]],
    fields: list[dict[str, object]],
    purposes: list[PurposeChoice],
    notice_version: int,
) -> FormDraft:
    return FormDraft(
        texts=texts,
        fields=fields,
        notice_code=NOTICE_CODE,
        notice_version=notice_version,
        purposes=purposes,
        allowed_origins=["https://www.nordelia.example"],
    )


def forms(*, notice_version: int) -> dict[str, tuple[str, FormDraft]]:
    """Return code -> (name, draft): consent, a request, and legitimate interest."""
    return {
        "newsletter": (
            "Lettre d’information",
            _draft(
                {
                    "fr": {
                        "title": "La lettre de Nordelia",
                        "intro": "Une fois par mois : des idées d’atelier, pas de bruit.",
                        "submit": "Je m’abonne",
                        "thanks": "Merci ! Un message vient de partir : confirmez-y votre adresse.",
                    },
                    "en": {
                        "title": "The Nordelia letter",
                        "intro": "Once a month: ideas for workshops, no noise.",
                        "submit": "Subscribe",
                        "thanks": "Thank you! Please confirm your address in the message we sent.",
                    },
                },
                _fields(email=True, given_name=False),
                [_NEWSLETTER, _MEASURE],
                notice_version,
            ),
        ),
        "contact": (
            "Nous écrire",
            _draft(
                {
                    "fr": {
                        "title": "Écrivez-nous",
                        "intro": "Une question, un devis : nous répondons sous deux jours ouvrés.",
                        "submit": "Envoyer",
                        "thanks": "Merci, votre message est bien arrivé. Nous vous répondons vite.",
                    },
                    "en": {
                        "title": "Write to us",
                        "intro": "A question, a quote: we answer within two working days.",
                        "submit": "Send",
                        "thanks": "Thank you, your message has arrived. We will answer soon.",
                    },
                },
                _fields(email=True, given_name=True, family_name=True, company=False, message=True),
                [_ANSWER, _NEWSLETTER, _OFFERS],
                notice_version,
            ),
        ),
        "webinar": (
            "Inscription au webinaire",
            _draft(
                {
                    "fr": {
                        "title": "Webinaire : un atelier sans papier",
                        "intro": "Jeudi à 11 h, quarante minutes et vos questions.",
                        "submit": "Je m’inscris",
                        "thanks": "C’est noté ! Le lien vous parviendra la veille.",
                    },
                    "en": {
                        "title": "Webinar: a workshop without paper",
                        "intro": "Thursday at 11, forty minutes and your questions.",
                        "submit": "Register",
                        "thanks": "You are in! The link will reach you the day before.",
                    },
                },
                _fields(
                    email=True,
                    given_name=True,
                    family_name=True,
                    company=True,
                    job_title=False,
                    phone=False,
                ),
                [_ANSWER, _OFFERS, _CALLS],
                notice_version,
            ),
        ),
    }


SEGMENTS: dict[str, dict[str, Any]] = {
    "Clients en France": {
        "match": "all",
        "rules": [
            {"fact": "status", "is": "one_of", "value": ["customer"]},
            {"fact": "country", "is": "one_of", "value": ["FR"]},
        ],
    },
    "Artisans venus cette année": {
        "match": "all",
        "rules": [
            {"fact": "tag", "is": "one_of", "value": ["artisan"]},
            {"fact": "created", "is": "in_last_days", "value": 365},
        ],
    },
}
MESSAGES = (
    "Bonjour, pouvez-vous me rappeler le prix pour cinq postes ?",
    "Nous cherchons à remplacer notre logiciel de suivi. Une démonstration est-elle possible ?",
    "Votre outil lit-il les plans au format DXF ?",
    "Je voudrais un devis pour une école de vingt élèves.",
    "Hello, do you have an English version of the manual?",
)
