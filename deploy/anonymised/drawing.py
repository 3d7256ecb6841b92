"""Draws from the cells of a shape, and people who do not exist to put there.

Drawn by the system's random source: from the copy nobody can work back to a seed.
"""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from faker import Faker

from crm.services import Facets, Person

Cells = Sequence[Sequence[Any]]
_CHANCE = random.SystemRandom()
_MONTH = timedelta(days=30)
_SPEAKS = {"fr": Faker("fr_FR"), "en": Faker("en_GB")}


def draw(cells: Cells, count: int) -> Iterator[Any]:
    """Yield `count` keys, each as often as its cell says, in an order that means nothing.

    By largest remainder where the sum is another one: nothing is drawn that no cell has.
    """
    if not cells:
        return
    total = sum(number for _key, number in cells)
    shares = [(key, number * count / total) for key, number in cells]
    whole = [(key, int(share)) for key, share in shares]
    left = count - sum(number for _key, number in whole)
    by_rest = sorted(range(len(shares)), key=lambda i: int(shares[i][1]) - shares[i][1])
    given = {by_rest[i] for i in range(left)}
    pool = [
        key
        for i, (key, number) in enumerate(whole)
        for _ in range(number + (1 if i in given else 0))
    ]
    _CHANCE.shuffle(pool)
    yield from pool


def moment(months_ago: int, *, now: datetime) -> datetime:
    """Return some moment of that month, never a later one than now."""
    return min(now, now - _MONTH * (max(months_ago, 0) + _CHANCE.random()))


def later(at: datetime, *, now: datetime) -> datetime:
    """Return some moment between `at` and now, sooner rather than later."""
    return at + (now - at) * (_CHANCE.random() ** 3)


def person(number: int, *, language: str, has_phone: bool) -> Person:
    """Return somebody who does not exist, at a domain that cannot (RFC 2606)."""
    speaks = _SPEAKS.get(language, _SPEAKS["en"])
    given, family, company = speaks.first_name(), speaks.last_name(), speaks.company()
    return Person(
        email=f"{_plain(given)}.{_plain(family)}.{number}@{_plain(company)[:40]}.example",
        given_name=given,
        family_name=family,
        company=company,
        job_title=speaks.job()[:80],
        # 01 99 00 is a block that the French regulator keeps for films and novels.
        phone=f"+3319900{_CHANCE.randrange(10_000):04d}" if has_phone else "",
    )


def facets(who: Sequence[str], source: int, came: int, acted: int, *, now: datetime) -> Facets:
    """Return what is known in clear of somebody who does not exist."""
    language, country, status = who
    at = moment(came, now=now)
    return {
        "language": language,
        "country": country,
        "status": status,
        "source": f"source-{source}",
        "created_at": at,
        "last_act_at": max(at, moment(min(acted, came), now=now)),
    }


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in folded.lower() if c.isalnum()) or "x"
