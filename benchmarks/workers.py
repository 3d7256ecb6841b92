"""A campaign by 1, 2 and 4 worker processes, near and far from the relay; memory; and a late "no".

ACCORD_BENCH_MESSAGES gives another number than 4,000. The far relay takes 20 ms for a round trip;
above 10,000 messages it is left out, and what is compared is the memory of a worker.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from benchmarks.ground import ROOT, Ground, Line, table
from benchmarks.send import (
    campaign_of,
    people_of,
    sink_on,
    size_of,
    smtp_source,
    smtplib_loop,
    tool,
)
from deploy.embedded.postgres import free_port, is_free

TRIP_MS, WORKERS, NOES, MOST_FAR = 20, (1, 2, 4), 100, 10_000


@contextmanager
def _far(port: int) -> Iterator[int]:
    mine = free_port()
    command = [sys.executable, "-m", "benchmarks.slow_line", str(mine), str(port), str(TRIP_MS)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while is_free(mine):
            time.sleep(0.02)
        yield mine
    finally:
        process.terminate()
        process.wait(10)


def _start(ground: Ground, campaign: UUID, port: int, count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.sender", str(campaign), f"smtp://127.0.0.1:{port}"]
    return [
        subprocess.Popen(
            command, cwd=ROOT, env=ground.environment("worker"), stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]


def _ours(ground: Ground, port: int, workers: int, messages: int) -> tuple[float, int, UUID]:
    """Return messages per second from the first claim to the last record, the highest memory of a
    worker in MiB, and the campaign."""
    from django.db.models import Max, Min

    from campaigns import services
    from campaigns.models import Delivery

    campaign = campaign_of(datetime.now(UTC))
    running = _start(ground, campaign, port, workers)
    memory = max(int(process.communicate()[0].strip() or 0) for process in running)
    sent = services.progress(campaign_id=campaign).counts["sent"]
    if sent != messages or any(process.returncode for process in running):
        raise RuntimeError(f"{sent} of {messages} messages were sent.")
    rows = Delivery.objects.filter(campaign_id=campaign)
    spans = rows.aggregate(first=Min("handing_at"), last=Max("finished_at"))
    first, last = spans["first"], spans["last"]
    if first is None or last is None:
        raise RuntimeError("Nothing was handed over.")
    return sent / (last - first).total_seconds(), memory, campaign


def _noes(ground: Ground, port: int) -> list[float]:
    """Send at full speed while people say no; return how long each "no" took to take effect.

    From the moment at which the public side has kept the envelope to the moment at which the
    database refuses the person: from then on no gate lets a message to them pass.
    """
    from campaigns.models import Delivery, DeliveryState
    from privacy.services import refresh_sealing_key

    refresh_sealing_key(now=datetime.now(UTC))
    campaign = campaign_of(datetime.now(UTC))
    running = _start(ground, campaign, port, 2)
    waited: list[float] = []
    rows = Delivery.objects.filter(campaign_id=campaign)
    while not rows.filter(state=DeliveryState.SENT).exists():
        time.sleep(0.01)
    # The last of the queue: most of the campaign is between them and their message.
    late = rows.filter(state=DeliveryState.QUEUED).order_by("-due_at", "-id")
    for contact in list(late.values_list("contact_id", flat=True)[:NOES]):
        if all(process.poll() is not None for process in running):
            break
        waited.append(_no_of(contact))
    for process in running:
        process.communicate()
    return waited


def _no_of(contact: UUID) -> float:
    from consent.services import opt_out_links, permits
    from crm.services import profiles
    from privacy.services import drop_envelope

    now = datetime.now(UTC)
    email = profiles(contact_ids=[contact])[contact].email
    link = opt_out_links(subjects={contact: email}, purpose_code="newsletter", now=now)[contact]
    token = link.one_click_url.rpartition("/")[2]
    drop_envelope(
        kind="decision",
        context="opt_out",
        envelope_id=uuid4(),
        document={"action": "opt_out", "language": "fr", "token": token},
        now=now,
    )
    kept = time.perf_counter()
    while permits(subject_ids=[contact], purpose_code="newsletter", channel="email"):
        time.sleep(0.002)
        if time.perf_counter() - kept > 30:
            raise RuntimeError("A no did not take effect within 30 seconds.")
    return time.perf_counter() - kept


def _lines(ground: Ground, name: str, port: int, source: str, messages: int) -> list[Line]:
    lines, size = [], 0
    for workers in WORKERS:
        rate, memory, campaign = _ours(ground, port, workers, messages)
        size = size or size_of(campaign)
        note = f"peak memory of one {memory} MiB"
        lines.append(Line(f"{name}, {workers} worker processes", rate, "messages/s", note))
    count = min(messages, 1_000)
    floor = smtp_source(source, port, size, count)
    script = smtplib_loop(port, size, min(count, 200))
    ratios = ", ".join(f"{each.rate / floor:.2f}" for each in lines)
    plain = ", ".join(f"{each.rate / script:.1f}" for each in lines)
    return [
        *lines,
        Line(f"{name}, smtp-source, one session", floor, "messages/s", f"ours {ratios} x"),
        Line(f"{name}, smtplib, a connection each", script, "messages/s", f"ours {plain} x"),
    ]


def run(ground: Ground) -> None:
    sink, source = tool("smtp-sink"), tool("smtp-source")
    if sink is None or source is None:
        print("\nworkers: left out. It needs Postfix's generators: apt-get install postfix")
        return
    messages = int(os.environ.get("ACCORD_BENCH_MESSAGES", "4000"))
    people_of(messages, datetime.now(UTC))
    with sink_on(sink) as port, _far(port) as far:
        lines = _lines(ground, "near", port, source, messages)
        if messages <= MOST_FAR:
            lines += _lines(ground, f"{TRIP_MS} ms away", far, source, messages)
        noes = sorted(_noes(ground, far if messages <= MOST_FAR else port))
    table(f"workers: {messages:,} newsletters, a load of {os.getloadavg()[0]:.0f}", lines)
    if noes:
        late = noes[max(int(len(noes) * 0.99) - 1, 0)]
        print(
            f"  a no while two workers send: {len(noes)} of them, p50"
            f" {statistics.median(noes) * 1e3:.0f} ms, p99 {late * 1e3:.0f} ms,"
            f" worst {noes[-1] * 1e3:.0f} ms"
        )
