"""How long a segment takes to count, beside the SQL that somebody would write by hand for it.

ACCORD_BENCH_CONTACTS gives another greatest number of contacts than a million; each tenth of it is
measured too, down to ten thousand.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg

from benchmarks.ground import Ground, Line, table

TIMES, LEAST = 7, 10_000
CAMPAIGNS = [f"0199c0de-0000-7000-8000-00000000000{number}" for number in range(1, 6)]


class Case(NamedTuple):
    """A segment, and the same question as it would be written by hand."""

    name: str
    rules: dict[str, Any]
    by_hand: str


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"match": "all", "rules": list(rules)}


def _rule(fact: str, operator: str, value: object) -> dict[str, Any]:
    return {"fact": fact, "is": operator, "value": value}


# What the gate decides, in the place where it is asked: who is on pause, what is retired.
_AGREED = """c.id IN (SELECT p.subject_id FROM consent_permission p
    JOIN consent_purpose u ON u.code = p.purpose_id AND u.retired_at IS NULL
    LEFT JOIN consent_mailingpreference m ON m.subject_id = p.subject_id
    WHERE p.purpose_id = '{purpose}' AND p.channel = 'email' AND p.state = 'ConsentGiven'
      AND (m.paused_until IS NULL OR m.paused_until <= now() OR NOT u.is_marketing))"""
_NEWSLETTER = _AGREED.format(purpose="newsletter")
_AGREES = f"c.restricted_at IS NULL AND {_AGREED.format(purpose='email_measurement')}"
_MEASURED = """c.id IN (SELECT d.contact_id FROM campaigns_delivery d
    WHERE d.is_measured AND d.state = 5)"""
CASES = (
    Case(
        "customers in two countries",
        _all(_rule("status", "one_of", ["customer"]), _rule("country", "one_of", ["FR", "BE"])),
        "c.status = 'customer' AND c.country IN ('FR', 'BE')",
    ),
    Case(
        "a tag, and an act within 90 days",
        _all(_rule("tag", "one_of", ["tag-3"]), _rule("last_act", "in_last_days", 90)),
        "EXISTS (SELECT FROM crm_contacttag t WHERE t.contact_id = c.id AND t.tag_id = 'tag-3')"
        " AND c.last_act_at > %(now)s - interval '90 days'",
    ),
    Case(
        "a contract that ends, nothing sent lately",
        _all(_rule("contract_ends", "in_next_days", 60), _rule("sent", "not_in_last_days", 30)),
        "c.organisation_id IN (SELECT o.id FROM crm_organisation o WHERE o.contract_ends_on"
        " BETWEEN %(today)s AND %(today)s + 60) AND NOT EXISTS (SELECT FROM crm_contactcampaign k"
        " WHERE k.contact_id = c.id AND k.sent_at > %(now)s - interval '30 days')",
    ),
    Case(
        "may be written to, was not sent one",
        _all(
            _rule("permission", "one_of", ["newsletter"]),
            _rule("campaign", "not_one_of", [CAMPAIGNS[0]]),
        ),
        f"{_NEWSLETTER} AND NOT EXISTS (SELECT FROM crm_contactcampaign k"
        f" WHERE k.contact_id = c.id AND k.campaign_id = '{CAMPAIGNS[0]}')",
    ),
    Case(
        "any of three, in a group, and none of one",
        _all(
            {
                "match": "any",
                "rules": [
                    _rule("open_lead", "equal", True),
                    _rule("tag", "one_of", ["tag-1", "tag-2"]),
                    _rule("language", "one_of", ["en"]),
                ],
            },
            {"match": "none", "rules": [_rule("status", "one_of", ["former"])]},
        ),
        "(EXISTS (SELECT FROM crm_lead l WHERE l.contact_id = c.id"
        " AND l.state IN ('new', 'in_progress')) OR EXISTS (SELECT FROM crm_contacttag t"
        " WHERE t.contact_id = c.id AND t.tag_id IN ('tag-1', 'tag-2')) OR c.language = 'en')"
        " AND c.status <> 'former'",
    ),
    Case(
        "opened within 90 days, of who agrees",
        _all(_rule("opened", "in_last_days", 90)),
        f"{_AGREES} AND c.id IN (SELECT h.contact_id FROM campaigns_measuredmessage h"
        " WHERE h.last_open_on >= %(today)s - 90)",
    ),
    Case(
        "never opened, of who agrees",
        _all(_rule("opened", "ever", False)),
        f"{_AGREES} AND {_MEASURED} AND NOT EXISTS (SELECT FROM campaigns_measuredmessage h"
        " WHERE h.contact_id = c.id AND h.last_open_on IS NOT NULL)",
    ),
)

# As the owner, whom the triggers of the ledger would rightly refuse: a million made-up answers
# stand on the one that was really given. Numbers are spread by their hash, the same each time.
FILL = """
INSERT INTO crm_tag (slug, title) SELECT 'tag-' || n, 'Tag ' || n FROM generate_series(1, 20) n
ON CONFLICT DO NOTHING;
INSERT INTO crm_organisation (id, country, contract_ends_on, created_at)
SELECT gen_random_uuid(), (ARRAY['FR', 'BE', 'CH', 'DE'])[1 + n %% 4],
       current_date + (n %% 1000)::int - 500, now()
FROM generate_series(1, %(count)s / 20) n;
CREATE TEMP TABLE firms AS SELECT row_number() OVER () - 1 AS place, id FROM crm_organisation;
CREATE TEMP TABLE people AS
SELECT n, gen_random_uuid() AS id, abs(hashint8(n)) AS dice FROM generate_series(1, %(count)s) n;
INSERT INTO crm_contact (id, created_at, updated_at, language, country, status, source,
    is_professional, organisation_id, has_email, has_phone, last_act_at)
SELECT p.id, now() - p.dice %% 1000 * interval '1 day', now(),
       (ARRAY['fr', 'fr', 'fr', 'en'])[1 + p.dice %% 4],
       (ARRAY['FR', 'BE', 'CH', 'DE', 'ES'])[1 + p.dice %% 5],
       (ARRAY['new', 'engaged', 'customer', 'former'])[1 + p.dice / 7 %% 4], 'bench', true,
       CASE WHEN p.dice %% 3 > 0 THEN f.id END, true, p.dice %% 2 = 0,
       now() - p.dice / 11 %% 700 * interval '1 day'
FROM people p LEFT JOIN firms f ON f.place = p.dice %% (SELECT count(*) FROM firms);
INSERT INTO crm_contacttag (contact_id, tag_id, tagged_at)
SELECT p.id, 'tag-' || 1 + p.dice / 13 %% 20, now() FROM people p;
INSERT INTO crm_lead (id, contact_id, form_code, form_version, received_at, state, has_message)
SELECT gen_random_uuid(), p.id, 'form-' || p.dice %% 5, 1, now() - p.dice %% 400 * interval '1 day',
       (ARRAY['new', 'in_progress', 'answered', 'closed', 'closed'])[1 + p.dice / 17 %% 5], false
FROM people p WHERE p.dice %% 2 = 0;
INSERT INTO crm_contactcampaign (contact_id, campaign_id, sent_at)
SELECT p.id, k.id::uuid, now() - k.place * interval '20 days'
FROM unnest(%(campaigns)s::text[]) WITH ORDINALITY k (id, place)
JOIN people p ON (p.dice / 19 + k.place) %% 5 < 3;
INSERT INTO campaigns_delivery (campaign_id, contact_id, kind, reference_id, state, worker, due_at,
    attempts, reason, evidence, planned_at, is_measured)
SELECT k.campaign_id, k.contact_id, 1, k.campaign_id, 5, '', k.sent_at, 1, '', '', k.sent_at,
       p.dice %% 10 < 3
FROM people p JOIN crm_contactcampaign k ON k.contact_id = p.id;
INSERT INTO campaigns_measuredmessage (delivery_id, campaign_id, contact_id, last_open_on)
SELECT d.id, d.campaign_id, d.contact_id, d.due_at::date + 1
FROM people p JOIN campaigns_delivery d ON d.contact_id = p.id
WHERE d.is_measured AND p.dice / 23 %% 2 = 0;
INSERT INTO consent_permission (subject_id, purpose_id, channel, state, basis, since, event_id,
    folded_at, folded_seq)
SELECT p.id, u.purpose, 'email', CASE WHEN p.dice / 29 %% 10 = 0 THEN 'ConsentWithdrawn'
                                      ELSE 'ConsentGiven' END, 'A6-1-a', now(), %(event)s, now(), 1
FROM people p JOIN (VALUES ('newsletter', 7), ('email_measurement', 3)) u (purpose, share)
  ON p.dice %% 10 < u.share;
DROP TABLE people, firms;
"""


def _one_answer(now: datetime) -> int:
    """Let one person answer by the real verb; return the number of the line in the ledger."""
    from django.db import connections, transaction

    from consent import services as consent
    from consent.services import Answer, Basis

    consent.seed_purposes(now=now)
    consent.publish_notice(code="bench", texts={"fr": "Avis"}, is_substantive=True, now=now)
    with transaction.atomic():
        consent.record_answers(
            subject_id=uuid4(),
            email="one@example.org",
            answers=[Answer("newsletter", "email", Basis.CONSENT, None, True, "Yes")],
            notice_id=consent.notice(code="bench", version=1, language="fr").id,
            language="fr",
            form_code="bench",
            form_version=1,
            source_id=uuid4(),
            event_at=now,
            received_at=now,
            needs_confirmation=False,
            evidence={},
            now=now,
        )
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT max(event_id) FROM consent_permission")
        return int(cursor.fetchone()[0])


def _campaigns(now: datetime) -> None:
    from campaigns.models import Campaign

    for number in CAMPAIGNS:
        Campaign.objects.create(
            id=number, name=number, purpose_id="newsletter", language="fr", subject="s",
            sender_name="s", sender_address="s@example.org", mjml="", created_at=now,
            updated_at=now, launched_at=now,
        )  # fmt: skip


def _fill(ground: Ground, count: int, event: int) -> None:
    dsn = ground.cluster.dsn(
        database=ground.names["crm"],
        user="accord_owner",
        password=ground.passwords["accord_owner"],
    )
    with psycopg.connect(dsn) as owner, psycopg.ClientCursor(owner) as cursor:
        cursor.execute("ALTER TABLE consent_permission DISABLE TRIGGER USER")
        cursor.execute(FILL, {"count": count, "campaigns": CAMPAIGNS, "event": event})
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE consent_permission ENABLE TRIGGER USER")
        owner.execute("VACUUM ANALYZE")


def _quickest(*asks: Callable[[], object]) -> list[float]:
    """The quickest of some times, each in turn: what else the machine does only ever adds."""
    taken: list[list[float]] = [[] for _ask in asks]
    for _ in range(TIMES):
        for ask, times in zip(asks, taken, strict=True):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
    return [min(times) for times in taken]


def _by_hand(case: Case, now: datetime) -> int:
    from django.db import connections

    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM crm_contact c WHERE {case.by_hand}",
            {"now": now, "today": now.date()},
        )
        return int(cursor.fetchone()[0])


def _measure(case: Case, now: datetime) -> Line:
    from crm.services import count_members, waterfall

    found = count_members(rules=case.rules, now=now)
    if found != (expected := _by_hand(case, now)):
        raise RuntimeError(f"{case.name}: {found} contacts, and {expected} by hand.")
    ours, hand, fall = _quickest(
        lambda: count_members(rules=case.rules, now=now),
        lambda: _by_hand(case, now),
        lambda: waterfall(rules=case.rules, purpose_code="newsletter", channel="email", now=now),
    )
    note = f"{found:,} contacts; {ours / hand:.2f} x by hand ({hand * 1e3:.1f} ms);"
    return Line(case.name, ours * 1e3, "ms", f"{note} waterfall {fall * 1e3:.0f} ms")


def _sizes() -> Sequence[int]:
    most = int(os.environ.get("ACCORD_BENCH_CONTACTS", "1000000"))
    sizes = [most]
    while sizes[0] >= LEAST * 10:
        sizes.insert(0, sizes[0] // 10)
    return sizes


def run(ground: Ground) -> None:
    # Noon, so that by hand and ours mean the same day whatever the time zone.
    now = datetime.now(UTC).replace(hour=11, minute=0)
    event, held = _one_answer(now), 0
    _campaigns(now)
    for size in _sizes():
        _fill(ground, size - held, event)
        held = size
        table(
            f"segments: {size:,} contacts, counted by one process, quickest of {TIMES}",
            [_measure(case, now) for case in CASES],
        )
