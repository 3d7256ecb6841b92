"""Ten thousand posts fill nothing and shut nobody out; an answer tells no known address."""

import json
import statistics
import time
from math import sqrt
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from privacy.models import Envelope
from tests.crm.pages.arrivals import arrive
from tests.forms_intake import cast as forms

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
URL = "/api/v1/forms/contact/submissions"
PAIRS = 2000


def _post(client: Client, body: str, network: str = "192.0.2.17") -> object:
    headers = {"Idempotency-Key": str(uuid4())}
    return client.post(
        URL, body, content_type="application/json", headers=headers, REMOTE_ADDR=network
    )


def test_ten_thousand_posts_are_bounded_and_an_honest_one_passes(
    visitor: Client, settings: Settings
) -> None:
    body = json.dumps(forms.body(forms.published()))
    taken = sum(_post(visitor, body).status_code == 202 for _ in range(10_000))  # type: ignore[attr-defined]
    kept = Envelope.objects.count()
    assert kept == taken <= settings.FORMS_PER_NETWORK * 3  # the minutes that the flood took
    assert _post(visitor, body, "198.51.100.7").status_code == 202  # type: ignore[attr-defined]


def _z(known: list[float], unknown: list[float]) -> float:
    """Mann-Whitney's statistic, as a normal deviate (no ties among nanoseconds worth counting)."""
    ranked = sorted([(t, 0) for t in known] + [(t, 1) for t in unknown])
    n, m = len(known), len(unknown)
    ranks = sum(place for place, (_t, which) in enumerate(ranked, 1) if which == 0)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / sqrt(n * m * (n + m + 1) / 12)


def _measure(client: Client, document: dict[str, object]) -> float:
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for number in range(PAIRS):
        for is_known in (number % 2 == 0, number % 2 == 1):
            email = forms.ALICE if is_known else f"u{number:05d}@example.org"
            fields = {"email": email, "family_name": "Martin"}
            body = json.dumps(forms.body(document, fields=fields))
            begin = time.perf_counter()
            answer = _post(client, body)
            times[is_known].append(time.perf_counter() - begin)
            told = json.loads(answer.content)  # type: ignore[attr-defined]
            answers.add((answer.status_code, tuple(sorted(told)), tuple(sorted(answer.headers))))  # type: ignore[attr-defined]
    assert len(answers) == 1
    assert statistics.median(times[True]) > 0
    return _z(times[True], times[False])


def test_the_time_of_an_answer_does_not_tell_a_known_address(
    visitor: Client, settings: Settings
) -> None:
    """2 x 2,000 posts, interleaved; significant at 1 % twice in a row is no accident."""
    settings.FORMS_PER_NETWORK = settings.FORMS_PER_FORM = 1_000_000
    document = forms.published()
    arrive("Alice")
    assert _post(visitor, json.dumps(forms.body(document))).status_code == 202  # type: ignore[attr-defined]
    first = _measure(visitor, document)
    assert abs(first) < 2.576 or abs(_measure(visitor, document)) < 2.576
