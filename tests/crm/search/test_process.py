"""The real process under its own role, beside real writers: what it finds is what is there."""

import os
import resource
import signal
import stat
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from crm.merging import merge_contacts, settle_merges
from crm.models import Contact
from crm.search import keeping
from crm.search.asking import SearchDown, find_contacts, search_status
from crm.search.index import Index
from crm.search.keeping import Keeper
from crm.services import Facets, Person, receive_many
from privacy.services import RetentionClass, change_document, delete_documents
from privacy.vault.store import destroy_keys
from tests.conftest import NOW, Connect
from tests.consent.people import later
from tests.crm.pages.arrivals import arrive
from tests.crm.search.running import (
    Search,
    SearchHere,
    cut_off,
    found,
    refused,
    superuser,
    until_ready,
    wait_until_found,
)
from tests.journeys.stage import wait_for

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
PROFILE = RetentionClass.PROFILE


def rename(contact_id: UUID, name: str) -> None:
    change_document(
        subject_id=contact_id,
        retention_class=PROFILE,
        change=lambda document: {**document, "family_name": name},
    )


def people(count: int, name: str) -> list[UUID]:
    made: list[tuple[Person, Facets]] = [
        (Person(email=f"{name}{n}@example.org", family_name=f"{name} {n}"), {})
        for n in range(count)
    ]
    return receive_many(people=made, now=NOW)


def test_who_was_there_before_and_who_comes_are_found_and_who_changes(
    idle_search: Search,
) -> None:
    before = arrive("Élodie")
    idle_search.start()
    status = idle_search.wait_until_ready()
    assert status.loaded == 1
    assert found("elod") == found("ÉLODIE martin") == found("lodie & c") == [before]
    assert found("odie@example.org") == found("06 12 34 56 78") == [before]
    after = arrive("Zoé")
    wait_until_found("zoe", after)
    rename(before, "Lefèvre")
    wait_until_found("lefevre", before)
    assert found("martin") == [after]


@pytest.mark.usefixtures("search_here")
def test_many_at_once_are_heard_of_in_several_messages() -> None:
    made = people(1000, "crowd")
    wait_for(lambda: search_status().loaded == 1000, "everybody to be heard of", seconds=30)
    assert found("crowd999@example.org") == [made[999]]
    first = find_contacts(text="crowd")
    assert [match.contact_id for match in first.matches] == made[:-51:-1]
    second = find_contacts(text="crowd", after=first.matches[-1].place)
    assert [match.contact_id for match in second.matches] == made[-51:-101:-1]


def test_whose_key_or_document_is_gone_disappears_at_once(running_search: Search) -> None:
    erased, deleted, kept = arrive("Erased"), arrive("Deleted"), arrive("Kept")
    wait_until_found("martin", erased, deleted, kept)
    destroy_keys(subject_id=erased, retention_classes=[PROFILE])
    wait_until_found("martin", deleted, kept)
    delete_documents(subject_ids=[deleted], retention_class=PROFILE)
    wait_until_found("martin", kept)
    Contact.objects.filter(id=kept).delete()
    wait_until_found("martin")
    # That a destroyed key opens nothing is no alarm.
    assert "does not open" not in running_search.log()


def test_whose_data_must_be_left_unused_is_not_found(idle_search: Search) -> None:
    before, other = arrive("Before"), arrive("Other")
    Contact.objects.filter(id=before).update(restricted_at=NOW)
    here = SearchHere(idle_search.socket)
    until_ready()
    assert found("martin") == [other]
    Contact.objects.filter(id=other).update(restricted_at=NOW)
    wait_until_found("martin")
    Contact.objects.update(restricted_at=None)
    wait_until_found("martin", before, other)
    here.stop()


@pytest.mark.usefixtures("search_here")
def test_who_was_merged_is_found_as_the_kept_one() -> None:
    kept, absorbed = arrive("Kept"), arrive("Absorbed")
    wait_until_found("absorbed@example.org", absorbed)
    merge_contacts(kept_id=kept, absorbed_id=absorbed, actor_id=kept, now=NOW)
    assert settle_merges(now=later(minutes=1)) == 1
    wait_until_found("absorbed@example.org", kept)
    wait_until_found("martin", kept)


def test_a_document_that_does_not_open_is_left_out_and_said(idle_search: Search) -> None:
    spoilt, whole = arrive("Spoilt"), arrive("Whole")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blob SET body = set_byte(body, 40, get_byte(body, 40) # 1)"
            " WHERE subject_id = %s",
            [spoilt],
        )
    here = SearchHere(idle_search.socket)
    until_ready()
    assert search_status().unreadable == 1
    assert found("martin") == [whole]
    here.stop()


def test_what_was_told_while_the_connection_was_cut_is_made_up_for(
    running_search: Search,
) -> None:
    names = ["Changed", "Erased", "Deleted", "Limited", "Gone", "Same"]
    changed, erased, deleted, limited, gone, same = [arrive(name) for name in names]
    wait_until_found("martin", changed, erased, deleted, limited, gone, same)
    # Stopped and cut off: nobody listens, so PostgreSQL keeps nothing for it.
    running_search.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
    assert cut_off() >= 2
    come = arrive("Come")
    rename(changed, "Durand")
    destroy_keys(subject_id=erased, retention_classes=[PROFILE])
    delete_documents(subject_ids=[deleted], retention_class=PROFILE)
    Contact.objects.filter(id=limited).update(restricted_at=NOW)
    Contact.objects.filter(id=gone).delete()
    running_search.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]
    wait_until_found("martin", same, come)
    wait_until_found("durand", changed)
    assert "heard of changes again" in running_search.log()


def test_while_the_databases_are_away_it_answers_and_says_since_when(
    running_search: Search,
) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    began = timezone.now()
    with refused():
        since = wait_for(lambda: search_status().behind_since, "it to notice")
        assert began - timedelta(seconds=1) <= since <= timezone.now()
        assert found("anne") == [one]
        other = arrive("Béa")
    wait_until_found("bea", other)
    assert running_search.wait_until_ready().behind_since is None


def test_a_killed_one_leaves_its_last_sign_of_life_and_starts_again(
    running_search: Search,
) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    running_search.kill()
    with pytest.raises(SearchDown) as down:
        find_contacts(text="anne")
    assert down.value.since is not None
    assert timezone.now() - down.value.since < timedelta(seconds=30)
    two = arrive("Annette")
    running_search.start()
    running_search.wait_until_ready()
    assert found("anne") == [two, one]


def test_while_it_reads_it_answers_that_it_is_partial(idle_search: Search) -> None:
    one = arrive("Anne")
    with superuser("crm") as connection:
        with connection.transaction():
            connection.execute("LOCK TABLE blob IN ACCESS EXCLUSIVE MODE")
            idle_search.start()
            status = idle_search.wait_until_answering()
            assert not status.is_loaded
            assert find_contacts(text="anne").matches == []
        wait_until_found("anne", one)
    assert idle_search.wait_until_ready().is_loaded


def test_comparing_finds_what_nobody_told(vault: None) -> None:
    """The pass alone, with the triggers off: as after a restore by another hand."""
    kept, gone = arrive("Kept"), arrive("Gone")
    keeper = Keeper(Index(), Event())
    with keeping.listening() as ears:
        keeper._load(ears)
        with superuser("crm") as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM crm_lead")
            connection.execute("DELETE FROM crm_timelineentry")
            connection.execute("DELETE FROM crm_contact WHERE id = %s", [gone])
            connection.execute("UPDATE blob SET rev = rev + 1 WHERE subject_id = %s", [kept])
        keeper._hear(ears, wait=0.1)
        assert keeper.index.revision(gone.bytes) == keeper.index.revision(kept.bytes) == 1
        keeper._compare(ears)
    assert keeper.index.revision(gone.bytes) is None
    assert keeper.index.revision(kept.bytes) == 2
    for each in connections.all():
        each.close()


def _kernel_says(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}


def _may_lock() -> bool:
    _soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    may = int(_kernel_says(os.getpid())["CapEff"][0], 16) >> 14 & 1
    return bool(may) or hard == resource.RLIM_INFINITY


def test_its_memory_is_locked_where_that_is_allowed_and_its_socket_is_its_owners(
    running_search: Search,
) -> None:
    said = _kernel_says(running_search.pid)
    locked, swapped = int(said["VmLck"][0]), int(said.get("VmSwap", ["0"])[0])
    status = search_status()
    assert status.is_locked == _may_lock()
    if _may_lock():
        assert locked >= int(said["VmRSS"][0]) > 0
        assert swapped == 0
    else:
        assert "the memory is not locked" in running_search.log()
    assert stat.S_IMODE(running_search.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(running_search.socket.parent.stat().st_mode) == 0o700


def test_where_it_must_be_locked_and_cannot_be_it_does_not_start(idle_search: Search) -> None:
    idle_search.prefix = ["prlimit", "--memlock=65536:65536"]
    if os.geteuid() == 0:  # whom no limit holds
        idle_search.prefix += ["setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"]
    idle_search.start(ACCORD_SEARCH_LOCK="yes")
    assert idle_search.process is not None
    assert idle_search.process.wait(30) == 1
    assert "LimitMEMLOCK=infinity" in idle_search.log()
    idle_search.start(ACCORD_SEARCH_LOCK="no")
    assert not idle_search.wait_until_ready().is_locked
    assert "the memory is not locked" in idle_search.log()


def test_an_abort_leaves_no_core(idle_search: Search) -> None:
    idle_search.prefix = ["prlimit", "--core=unlimited:unlimited"]
    idle_search.start()
    idle_search.wait_until_ready()
    pid = idle_search.pid
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert "Max core file size        0                    0" in limits
    os.kill(pid, signal.SIGABRT)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert (ended.si_status, ended.si_code) == (signal.SIGABRT, os.CLD_KILLED)  # not CLD_DUMPED


def test_a_folder_that_others_may_write_to_is_refused(idle_search: Search) -> None:
    idle_search.socket.parent.mkdir()
    idle_search.socket.parent.chmod(0o777)
    idle_search.start()
    assert idle_search.process is not None
    assert idle_search.process.wait(30) == 1
    assert "must be ours alone" in idle_search.log()
    with pytest.raises(SearchDown):
        search_status()


@pytest.mark.parametrize(
    ("zone", "statement"),
    [
        ("crm", "DELETE FROM blob"),
        ("crm", "UPDATE crm_contact SET restricted_at = NULL"),
        ("crm", "SELECT password FROM crm_account"),
        ("crm", "SELECT * FROM consent_permission"),
        ("vault", "UPDATE dek SET rev_floor = 0"),
        ("vault", "SELECT * FROM bidx"),
    ],
)
@pytest.mark.usefixtures("vault")
def test_its_role_reads_two_tables_and_the_keys_and_writes_nothing(
    connect: Connect, zone: str, statement: str
) -> None:
    with connect("search", zone) as mine, pytest.raises(psycopg.errors.InsufficientPrivilege):
        mine.execute(statement)


def test_nothing_that_is_held_or_typed_reaches_its_log(running_search: Search) -> None:
    held, typed = "Heldcanary", "typedcanary"
    one = arrive(held)
    wait_until_found(held, one)
    assert found(typed) == []
    assert found(f"{typed}@example.org") == []
    rename(one, "Renamedcanary")
    wait_until_found("renamedcanary", one)
    cut_off()
    two = arrive("Latercanary")
    wait_until_found("latercanary", two)
    assert running_search.kill(signal.SIGTERM) == 0
    said = running_search.log().lower()
    assert "heard of changes again" in said
    assert "canary" not in said
    assert "example.org" not in said
