"""Freezing an audience of 10,000, 100,000 and 1,000,000 in one statement, and how it grows.

ACCORD_BENCH_CONTACTS gives another largest number. The contacts and their permissions are written
as rows: freezing opens no profile and asks no ledger.
"""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

from benchmarks.ground import Ground, Line, table
from benchmarks.send import draft_of, one_person

SIZES = (10_000, 100_000, 1_000_000)
_CONTACTS = """
INSERT INTO crm_contact (id, created_at, updated_at, language, country, status, source,
    is_professional, has_email, has_phone, last_act_at)
SELECT gen_random_uuid(), now(), now(), 'fr', (array['FR','DE','US','JP',''])[1 + n %% 5], 'new',
    'bench', true, true, false, now()
FROM generate_series(1, %s) n
"""
_PERMISSIONS = """
INSERT INTO consent_permission (subject_id, purpose_id, channel, state, basis, since, event_id,
    folded_at, folded_seq)
SELECT c.id, p.purpose_id, p.channel, p.state, p.basis, p.since, p.event_id, p.folded_at,
    p.folded_seq
FROM crm_contact c, (SELECT * FROM consent_permission WHERE purpose_id = 'newsletter' LIMIT 1) p
ON CONFLICT DO NOTHING
"""
_BARE = """
INSERT INTO bare_delivery OVERRIDING SYSTEM VALUE
SELECT * FROM campaigns_delivery WHERE campaign_id = %s ORDER BY contact_id
"""


def _grow_to(ground: Ground, size: int) -> None:
    """As the database's owner and past its triggers: a permission of each person's own would have
    to be asked of each person."""
    from crm.services import count_members

    there = count_members(rules=None, now=datetime.now(UTC))
    with psycopg.connect(ground.cluster.dsn(database=ground.names["crm"]), autocommit=True) as own:
        own.execute("SET session_replication_role = replica")
        own.execute(_CONTACTS, [size - there])
        own.execute(_PERMISSIONS)
        own.execute("VACUUM ANALYZE crm_contact")
        own.execute("VACUUM ANALYZE consent_permission")
        own.execute("VACUUM ANALYZE campaigns_delivery")


def _bare(ground: Ground, campaign: UUID) -> float:
    """The floor: the same rows into a table with the same indexes, in one INSERT ... SELECT."""
    with psycopg.connect(ground.cluster.dsn(database=ground.names["crm"]), autocommit=True) as own:
        own.execute("DROP TABLE IF EXISTS bare_delivery")
        own.execute("CREATE TABLE bare_delivery (LIKE campaigns_delivery INCLUDING ALL)")
        started = time.perf_counter()
        own.execute(_BARE, [campaign])
        seconds = time.perf_counter() - started
        own.execute("DELETE FROM campaigns_delivery WHERE campaign_id = %s", [campaign])
        own.execute("VACUUM campaigns_delivery")
    return seconds


@dataclass(frozen=True)
class Timed:
    """Seconds: of the request, of the worker that freezes, and of the floor."""

    asked: float
    frozen: float
    bare: float


def _timed(
    ground: Ground, size: int, *, is_compared: bool = False, is_local: bool = False
) -> Timed:
    from campaigns import services
    from campaigns.models import Campaign

    now = datetime.now(UTC)
    campaign = draft_of(now, has_two_variants=is_compared)
    at = now + timedelta(days=2) if is_local else now
    started = time.perf_counter()
    if is_local:
        services.schedule(
            campaign_id=campaign, actor_id=None, scheduled_at=at, is_by_local_hour=True, now=now
        )
        services.start_due(now=at)
    else:
        services.begin_launch(campaign_id=campaign, actor_id=None, now=now)
    asked = time.perf_counter() - started
    started = time.perf_counter()
    services.start(campaign_id=campaign, now=at)
    frozen = time.perf_counter() - started
    planned = Campaign.objects.get(id=campaign).audience_size
    if planned != size:
        raise RuntimeError(f"{planned} of {size} were planned.")
    return Timed(asked, frozen, _bare(ground, campaign))


def _line(size: int, name: str, timed: Timed) -> Line:
    return Line(
        f"{size:,}, {name}", size / timed.frozen, "people/s",
        f"{timed.frozen:.2f} s, {timed.frozen / timed.bare:.2f} x the bare INSERT ... SELECT"
        f" ({timed.bare:.2f} s); the request {timed.asked * 1e3:.0f} ms",
    )  # fmt: skip


def run(ground: Ground) -> None:
    most = int(os.environ.get("ACCORD_BENCH_CONTACTS", str(SIZES[-1])))
    one_person(datetime.now(UTC))
    lines = []
    for size in [each for each in SIZES if each <= most] or [most]:
        _grow_to(ground, size)
        lines += [
            _line(size, "everybody at once", _timed(ground, size)),
            _line(size, "an A/B test in 20 %", _timed(ground, size, is_compared=True)),
            _line(size, "at each person's hour", _timed(ground, size, is_local=True)),
        ]
    table("launch: the audience frozen in one statement, by one worker", lines)
