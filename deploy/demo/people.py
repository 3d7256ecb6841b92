"""Two thousand people who do not exist. Their domains cannot exist either (RFC 2606)."""

import random
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.services import Facets, Person

_SEED = 20_16_679  # the same people at every start


def _split(names: str) -> list[str]:
    return names.split()


_FRENCH = _split(
    "Camille Louis Jeanne Hugo Manon Lucas Inès Arthur Chloé Jules Léa Gabriel Zoé Paul "
    "Alice Adam Rose Nathan Anaïs Théo Élise Maxime Clara Antoine Sarah Bastien Noémie "
    "Karim Yasmine Mehdi Aïcha Thomas Hélène François Brigitte Gérard Sylvie Didier Nadia "
    "Olivier"
)
_ENGLISH = _split(
    "Emma Oliver Amelia Noah Isla George Ava Leo Mia Harry Grace Oscar Freya Arjun Priya "
    "Fatima Callum Niamh Siobhan Owen Hannah Samuel Ruth Peter"
)
_FAMILIES = _split(
    "Martin Bernard Petit Durand Leroy Moreau Lefèvre Garnier Faure Rousseau Blanc Guérin "
    "Boyer Chevalier François Masson Sanchez Nguyen Diallo Benali Haddad Kowalski "
    "Ferreira Rossi Lambert Bonnet Dupuis Meunier Marchand Barbier Brun Gaillard Renard "
    "Picard Aubert"
)
_BRITISH = _split(
    "Smith Jones Taylor Brown Wilson Evans Thomas Roberts Walker Wright Hall Green Clarke "
    "Patel Khan Murphy Kelly O'Brien Campbell Stewart"
)
_TRADES = _split(
    "Menuiserie Imprimerie Atelier Cabinet Fonderie Verrerie Brasserie Ferronnerie "
    "Librairie Reliure Ébénisterie Chaudronnerie Papeterie Distillerie"
)
_JOBS = (
    "Gérante",
    "Directeur technique",
    "Responsable achats",
    "Assistante de direction",
    "Chef d’atelier",
    "Comptable",
    "Responsable informatique",
    "Directrice commerciale",
)
_STATUSES = ["new"] * 4 + ["engaged"] * 3 + ["customer"] * 2 + ["former"]
_SOURCES = ["newsletter", "contact", "webinar", "trade-fair", "referral"]
_TAGS = ["artisan", "industrie", "formation", "revendeur", "pilote"]


@dataclass(frozen=True)
class Invented:
    """A person, the facets of their contact, and what they will have answered (0 to 1)."""

    person: Person
    facets: Facets
    mood: float


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in folded.lower() if c.isalnum())


def invent(*, count: int, now: datetime) -> list[Invented]:
    """Return `count` people, the same ones for the same count."""
    chance = random.Random(_SEED)  # noqa: S311  # made-up people need no secrets
    return [_invent(number, chance, now) for number in range(count)]


def _invent(number: int, chance: random.Random, now: datetime) -> Invented:
    is_french = chance.random() < 0.8
    given = chance.choice(_FRENCH if is_french else _ENGLISH)
    family = chance.choice(_FAMILIES if is_french else _BRITISH)
    company = f"{chance.choice(_TRADES)} {chance.choice(_FAMILIES)}"
    person = Person(
        email=f"{_plain(given)}.{_plain(family)}{number}@{_plain(company)}.example",
        given_name=given,
        family_name=family,
        company=company,
        job_title=chance.choice(_JOBS),
        # 01 99 00 is a block that the French regulator keeps for films and novels.
        phone=f"+3319900{number % 10_000:04d}" if chance.random() < 0.5 else "",
    )
    created_at = now - timedelta(minutes=chance.randrange(60, 2 * 365 * 24 * 60))
    facets: Facets = {
        "language": "fr" if is_french else "en",
        "country": chance.choice(["FR", "FR", "FR", "BE", "CH"]) if is_french else "GB",
        "status": chance.choice(_STATUSES),
        "source": chance.choice(_SOURCES),
        "tags": chance.sample(_TAGS, k=chance.choice([0, 0, 1, 1, 2])),
        "created_at": created_at,
        "last_act_at": created_at,
    }
    return Invented(person, facets, chance.random())
