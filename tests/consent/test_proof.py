"""The proof pack: complete, checked by a stranger, and the same bytes for the same question."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from consent import services
from consent.attest import PACK, readable_bytes, with_signature
from consent.models import LedgerEvent, Notice
from consent.sealing import seal_ledger
from consent.services import NothingToProve
from privacy.models import DataKey
from privacy.services import RetentionClass, enrol
from tests.conftest import NOW
from tests.consent import graph, people, verifier
from tests.consent.people import ALICE

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "company", "anchor"),
]
Files = dict[str, bytes]


@pytest.fixture
def alice() -> UUID:
    """Alice said yes to the newsletter, nothing against offers, and later no to everything."""
    subject = enrol(email=ALICE).subject_id
    people.submit(
        subject,
        people.newsletter(is_ticked=True),
        people.promotion(is_ticked=False),
        needs_confirmation=False,
    )
    links = services.opt_out_links(subjects={subject: ALICE}, purpose_code="newsletter", now=NOW)
    token = links[subject].preferences_url.rpartition("/")[2]
    people.decide("preferences", at=people.later(days=1), token=token, everything="no")
    seal_ledger(now=NOW)
    return subject


def pack(subject: UUID, purpose: str = "newsletter", **options: Any) -> bytes:
    given = {"channel": "email", "with_evidence": True, "now": NOW, **options}
    return services.proof_pack(subject_id=subject, purpose_code=purpose, **given)


def opened(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(folder: Path, files: Files, name: str = "pack") -> Path:
    for path, content in files.items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_bytes(content)
    return folder / name


def resigned(files: Files) -> Files:
    """As whoever holds the key would: the list fits the files again."""
    manifest = json.loads(files["manifest.json"])
    del manifest["signature"]
    others = {name: content for name, content in files.items() if name != "manifest.json"}
    manifest["files"] = {
        name: hashlib.sha256(content).hexdigest() for name, content in others.items()
    }
    return {**others, "manifest.json": readable_bytes(with_signature(manifest, prefix=PACK))}


def test_a_pack_has_everything_and_a_stranger_can_check_it(alice: UUID, tmp_path: Path) -> None:
    path = tmp_path / "proof.zip"
    path.write_bytes(pack(alice, "targeted_promotion"))
    files = opened(path.read_bytes())
    assert set(files) == {
        "README.txt", "accord_verify.py", "assessments.json", "control_texts.json",
        "evidence.json", "ledger.json", "manifest.json", "notices.json",
        "notices/people.v1r0.fr.txt", "purposes.json", "records.jsonld",
    }  # fmt: skip
    records = json.loads(files["records.jsonld"])
    assert graph.complaints(graph.graph_of(records)) == ""
    assert graph.unknown_terms(graph.graph_of(records)) == set()
    [assessment] = json.loads(files["assessments.json"])
    assert assessment["conclusion"]
    assert json.loads(files["purposes.json"])[0]["document"]["code"] == "targeted_promotion"
    folder = written(tmp_path, files)
    # With the program that is in it, as a zip and as a folder.
    for what in (path, folder):
        done = verifier.run(what, "--key", verifier.key(), script=folder / "accord_verify.py")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "FAIL" not in done.stdout and "note" not in done.stdout


def test_the_same_question_gives_the_same_bytes(alice: UUID) -> None:
    assert pack(alice) == pack(alice)
    assert pack(alice) != pack(alice, now=people.later(days=1))


def test_the_evidence_is_for_those_who_may_see_it(alice: UUID) -> None:
    with_it, without = opened(pack(alice)), opened(pack(alice, with_evidence=False))
    [evidence] = json.loads(with_it["evidence.json"])
    assert evidence["evidence"] == {"network": "192.0.2.0/24"}
    assert "evidence.json" not in without
    assert b"192.0.2" not in b"".join(without.values())
    for content in with_it.values():
        assert b"example.org" not in content


def test_the_pack_says_when_the_key_of_the_evidence_is_destroyed_and_still_holds(
    alice: UUID, tmp_path: Path
) -> None:
    DataKey.objects.filter(subject_id=alice, retention_class=RetentionClass.PROOF).delete()
    files = opened(pack(alice))
    [evidence] = json.loads(files["evidence.json"])
    assert evidence["state"] == "its key was destroyed" and "evidence" not in evidence
    assert verifier.run(written(tmp_path, files), "--key", verifier.key()).returncode == 0


def test_the_pack_of_an_earlier_row_ends_there(alice: UUID, tmp_path: Path) -> None:
    given = LedgerEvent.objects.get(purpose="newsletter", event_state="ConsentGiven")
    files = opened(pack(alice, upto_seq=given.seq))
    entries = json.loads(files["ledger.json"])["entries"]
    assert [entry["seq"] for entry in entries] == [given.seq - 1, given.seq]
    assert verifier.run(written(tmp_path, files)).returncode == 0


def test_a_notice_that_was_corrected_is_told_as_it_was_shown(alice: UUID) -> None:
    services.publish_notice(code="people", texts={"fr": "Avis 2"}, is_substantive=True, now=NOW)
    files = opened(pack(alice))
    assert files["notices/people.v1r0.fr.txt"] == b"Avis"
    [listed] = json.loads(files["notices.json"])
    assert listed["sha256"] == bytes(Notice.objects.get(id=listed["id"]).sha256).hex()


def test_there_is_nothing_to_prove_of_a_stranger(alice: UUID) -> None:
    for subject, purpose in ((uuid4(), "newsletter"), (alice, "phone_prospecting")):
        with pytest.raises(NothingToProve):
            pack(subject, purpose)


# --- altered ---------------------------------------------------------------------------------


def test_no_file_can_be_altered_added_or_taken_away(alice: UUID, tmp_path: Path) -> None:
    files = opened(pack(alice))
    assert verifier.run(written(tmp_path, files, "good")).returncode == 0
    for number, name in enumerate(sorted(files)):
        middle = len(files[name]) // 2
        other = bytearray(files[name])
        other[middle] ^= 1
        changed = written(tmp_path, {**files, name: bytes(other)}, f"changed{number}")
        assert verifier.run(changed).returncode == 1, name
        fewer = {each: files[each] for each in files if each != name}
        assert verifier.run(written(tmp_path, fewer, f"fewer{number}")).returncode == 1, name
    more = written(tmp_path, {**files, "extra.json": b"{}"}, "more")
    assert verifier.run(more).returncode == 1


def test_a_signed_forgery_is_found_by_what_the_records_say(alice: UUID, tmp_path: Path) -> None:
    files = opened(pack(alice, "targeted_promotion"))
    assert verifier.run(written(tmp_path, resigned(files), "good")).returncode == 0
    forged = {
        "the text of the notice": {"notices/people.v1r0.fr.txt": b"Autre avis"},
        "no assessment": {"assessments.json": b"[]"},
        "another purpose": {
            "purposes.json": files["purposes.json"].replace(b"Offers chosen", b"Offers stolen")
        },
        "no purpose": {"purposes.json": b"[]"},
        "another person": {
            "manifest.json": files["manifest.json"].replace(
                str(alice).encode(), str(uuid4()).encode()
            )
        },
    }
    for number, (what, changed) in enumerate(forged.items()):
        done = verifier.run(written(tmp_path, resigned({**files, **changed}), str(number)))
        assert done.returncode == 1, what


def message(seq: int | None, **changed: object) -> bytes:
    facts = {
        "message_id": "<x@mail>",
        "purpose": "newsletter",
        "justification_seq": seq,
        "handed_over_at": people.later(hours=1).isoformat(),
        **changed,
    }
    return json.dumps(facts).encode()


def test_a_message_must_rest_on_a_permission_that_was_there_before(
    alice: UUID, tmp_path: Path
) -> None:
    rows = LedgerEvent.objects.filter(purpose="newsletter").order_by("seq")
    shown, given, no = [row.seq for row in rows]
    told = {
        "yes": (message(given), 0),
        "it never left": (message(None, handed_over_at=None), 0),
        "only shown": (message(shown), 1),
        "a no": (message(no), 1),
        "no row": (message(None), 1),
        "another row": (message(no + 1000), 1),
        "before it was given": (message(given, handed_over_at="2020-01-01T00:00:00+00:00"), 1),
        "for something else": (message(given, purpose="phone_prospecting"), 1),
    }
    for number, (what, (content, status)) in enumerate(told.items()):
        files = opened(pack(alice, extra={"message.json": content}))
        done = verifier.run(written(tmp_path, files, str(number)))
        assert done.returncode == status, (what, done.stdout)
