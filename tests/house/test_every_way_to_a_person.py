"""Every way to a person goes through the gate, or this page says why it reaches nobody.

Identities are encrypted, so whoever wants an address or a number must call one of a few functions
(READERS), and whoever sends one of a few others (SENDERS). Every place that does, and every
statement that chooses people, is listed below with its gate. A new one fails until it is reviewed.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_rules import ROOT, SOURCES

READERS = {
    "profiles",
    "read_documents",
    "stream_documents",
    "stream_revisions",
    "addresses_of",
    "reaches",
}
SENDERS = {"RelaySession", "open_message", "hand_over", "send_messages", "send_mail"}
# What only the vault itself may do: nothing else opens a document.
OPENERS = {"open_blob", "unwrap_key"}
PEOPLE = re.compile(
    r"\b(?:FROM|JOIN|COPY)\s+\(?(?:SELECT\s+[\w\s,.*]+?FROM\s+)?"
    r"(?:crm_contact\b|crm_lead\b|blob\b|consent_permission\b|campaigns_delivery\b)",
    re.IGNORECASE,
)

# The gate of a path: where it is asked, and the words that ask it.
GATE_SQL = ("campaigns/sql/gate.sql", "consent_refusals(", "consent_is_suppressed(")
GATED: dict[str, tuple[str, ...]] = {
    "crm/calling.py::call_list": ("crm/calling.py", "reachable("),
    "campaigns/delivery/preparing.py::NewsletterDesk.prepare": GATE_SQL,
    "campaigns/delivery/preparing.py::LetterDesk.prepare": (
        "campaigns/sql/gate_letters.sql",
        "consent_letter_refusal(",
    ),
    "campaigns/single/preparing.py::SingleDesk.prepare": (
        "campaigns/sql/gate_single.sql",
        "consent_refusals(",
        "consent_is_suppressed(",
    ),
    "campaigns/sql/gate_single.sql": (
        "campaigns/sql/gate_single.sql",
        "consent_refusals(",
        "consent_is_suppressed(",
    ),
    "campaigns/sql/why_not_single.sql": (
        "campaigns/sql/why_not_single.sql",
        "consent_refusals(",
        "consent_is_suppressed(",
    ),
    "campaigns/delivery/engine.py::Turn._send": (
        "campaigns/delivery/engine.py",
        "passed = self._pass_gate(batch.ready, relay=choice.way.code)",
        "regate=lambda late: self._pass_again(batch, late)",
        "passed = self._pass_gate(late, relay=batch.choice.way.code)",
    ),
    # Its judged people are those of judged.sql; nobody else is in it.
    "campaigns/sql/freeze_audience.sql": (
        "campaigns/sql/freeze_audience.sql",
        "{judged}",
        "WHERE j.refusal IS NULL",
    ),
    "campaigns/sql/count_missing.sql": (
        "campaigns/sql/count_missing.sql",
        "{judged}",
        "WHERE refusal IS NULL",
    ),
    "campaigns/sql/judged.sql": ("campaigns/sql/judged.sql", "consent_refusals(launch.purpose"),
    "campaigns/sql/gate.sql": GATE_SQL,
    "campaigns/sql/gate_letters.sql": ("campaigns/sql/gate_letters.sql", "consent_letter_refusal("),
    "consent/sql/reachable.sql": (
        "consent/sql/reachable.sql",
        "consent_refusals(",
        "consent_is_suppressed(1",
        "consent_is_suppressed(2",
    ),
    "crm/exports/gate.py::judge_next": ("crm/exports/gate.py", "reachable(", "_ladder("),
    "crm/exports/keeping.py::part_of": (
        "crm/exports/downloading.py",
        "still_permitted(export=self.export",
        "part = part_of(self.export, number)",
    ),
    "crm/sql/export_part.sql": ("crm/sql/export_part.sql", "consent_refusals("),
    "crm/sql/calling.sql": ("crm/sql/calling.sql", "consent_refusals("),
    "crm/sql/waterfall.sql": ("crm/sql/waterfall.sql", "consent_refusals("),
    "campaigns/sql/note_measure.sql": (
        "campaigns/sql/note_measure.sql",
        "consent_refusals('email_measurement'",
    ),
    "campaigns/sql/results_measured.sql": (
        "campaigns/sql/results_measured.sql",
        "consent_refusals('email_measurement'",
    ),
    "campaigns/engagement.py::_MEASURED": (
        "campaigns/engagement.py",
        "consent_refusals('email_measurement'",
        "f\"{_AGREES} AND {_MEASURED.format(which='')}\"",
    ),
    "campaigns/sql/tally.sql": ("campaigns/sql/tally.sql", "consent_refusals('email_measurement'"),
}
_ONE = "One contact's own page, for staff who care for this person: they are shown, not reached."
_MARKS = "The address becomes fingerprints and is given to nobody."
_HELD = "Held in memory to be searched; what leaves the process is ids for the list of contacts."
_QUEUED = "Queues or closes what freeze_audience.sql planned; gate.sql comes behind it."
_BEHIND = "The session itself: what is written to it has passed the gate of its batch."
NOBODY: dict[str, str] = {
    "crm/sql/shared_accounts.sql": "Sign-ins of staff; no contact is in it.",
    "crm/contacts.py::record_no": "A no lowers; the address becomes fingerprints.",
    "crm/people.py::profiles": "The reader itself; its callers are listed.",
    "crm/people.py::reaches": _MARKS,
    "crm/pages/contact.py::contact_no": _ONE,
    "crm/pages/contact_view.py::contact_view": _ONE,
    "crm/pages/record.py::contact_record": _ONE,
    "crm/pages/merging.py::contact_merge": _ONE,
    "crm/merging.py::merge_contacts": _MARKS,
    "crm/merging.py::_carry_out": _MARKS,
    "crm/merging.py::_join_documents": "Two profiles of one person become one; nobody sees them.",
    "crm/merging.py::_MOVES": "Rows of the absorbed contact go to the kept one; nothing leaves.",
    "crm/imports/waiting.py::pending": "Lines of a file that waits: not people yet.",
    "crm/imports/waiting.py::rows_of": "Lines of a file that waits: not people yet.",
    "crm/pages/contacts.py::_lines": "The list of contacts: who is kept, not whom to reach; the "
    "page says so, and what leaves the house goes through `reachable`.",
    "crm/picking.py::find_people": "Names to choose one person from, for staff; nothing leaves.",
    "crm/picking.py::person_of": "One person, for staff who look at a mail as that person gets it.",
    "crm/sql/campaign_ids.sql": "Ids of campaigns, no people.",
    "crm/organisations.py::details_of": "Companies we have a contract with, shown to staff.",
    "crm/organisations.py::change_organisation": "What was known of a company, to change it.",
    "crm/pages/organisations.py::_contacts": "Names of who belongs to a company, without an "
    "address, on its own page.",
    "campaigns/sql/claim_doubts.sql": "Ids of what may have left; only its relay is asked.",
    "campaigns/sql/settle_doubts.sql": "Writes what became of messages that have left.",
    "campaigns/sql/claim_single.sql": "Takes planned messages; gate_single.sql comes behind it.",
    "campaigns/single/working.py::why_not_single": _MARKS,
    "campaigns/transactional/accepting.py::_content": "The words of one message, sealed at once; "
    "what leaves goes through gate_single.sql.",
    "campaigns/pages/replies.py::_person": "The person of one lead, shown to who answers them; "
    "what leaves goes through gate_single.sql.",
    "crm/pages/lead_view.py::lead_view": _ONE,
    "crm/pages/api_leads.py::lead": _ONE,
    "crm/scoring/reckoning.py::_refused": _MARKS,
    "crm/sql/claim_webhooks.sql": "Calls with ids of events; no people.",
    "crm/sql/publish_events.sql": "Ids of what happened; nothing of a person.",
    "crm/sql/keep_scores.sql": "Points of leads; nothing leaves.",
    "crm/pages/leads.py::lead_lines": "Answers to what the person asked (GDPR 6(1)(b)).",
    "crm/pages/home_cards.py::_names": "Names of the newest leads, without an address.",
    "crm/support/tickets.py::person_of": "One person, shown under their open ticket: not reached.",
    "consent/addresses.py::marks_of_link": _MARKS,
    "consent/decisions.py::_marks_of_address": _MARKS,
    "consent/deciders.py::saying_no": _MARKS,
    "consent/folding.py::_HELD": "The permissions of one person, to fold an event into them.",
    "consent/recording.py::_marks": _MARKS,
    "consent/suppression.py::_rewrite": _MARKS,
    "campaigns/returns/taking.py::_put_one_together": "Parts of a message that came back.",
    "campaigns/returns/taking.py::words_of": "What came back and nobody recognised, shown as text "
    "to staff on its own page: nobody is reached.",
    "consent/objecting.py::object_by_message": _MARKS,
    "campaigns/trials.py::_hand_over": "A test for a member of staff, of a made-up person.",
    "campaigns/delivery/relay.py::Relay.connect": _BEHIND,
    "campaigns/delivery/relay.py::_Step.begin": _BEHIND,
    "campaigns/providers/session.py::ProviderSession.send": _BEHIND,
    "campaigns/delivery/doubts.py::_knock": "Greets the relay and leaves: no envelope, nobody's "
    "address; the relay's log then reaches to now.",
    "campaigns/sql/release_held.sql": _QUEUED,
    "campaigns/sql/retake.sql": _QUEUED,
    "campaigns/sql/start_due.sql": "Moves campaigns to their freezing; no people.",
    "campaigns/sql/claim.sql": "Takes what freeze_audience.sql planned; gate.sql comes behind it.",
    "campaigns/sql/claim_letters.sql": "Takes planned letters; gate_letters.sql comes behind it.",
    "campaigns/sql/expire_leases.sql": "Moves states of deliveries; nothing leaves.",
    "campaigns/sql/finish.sql": "Counts deliveries.",
    "campaigns/sql/record.sql": "Writes what became of messages that have left.",
    "campaigns/sql/skip_cancelled.sql": "Closes what will never be sent.",
    "campaigns/sql/results_account.sql": "Counts deliveries.",
    "campaigns/sql/results_bases.sql": "Counts deliveries.",
    "campaigns/sql/results_opt_outs.sql": "Counts who said no; nobody is named.",
    "campaigns/sql/results_returns.sql": "Counts what came back; nobody is named.",
    "campaigns/sql/results_begin.sql": "Campaigns, no people.",
    "campaigns/sql/results_due.sql": "Campaigns, no people.",
    "campaigns/sql/forget_measures.sql": "Deletes what may no longer be known.",
    "campaigns/sql/sequences_claim.sql": "Says where people of a sequence are and how they stand; "
    "what they are sent passes gate.sql.",
    "campaigns/sql/sequences_enrol.sql": "Begins passages; each mail of one passes gate.sql.",
    "campaigns/sql/sequences_plan_mail.sql": "Plans mails; gate.sql comes behind it.",
    "campaigns/sql/sequences_write.sql": "Moves people from step to step; nothing leaves.",
    "campaigns/sql/sequences_sum_moves.sql": "Numbers, no people.",
    "campaigns/automations/occasions.py::_CREATED": "Ids of who begins a sequence.",
    "campaigns/automations/occasions.py::_CONTRACT_ENDS": "Ids of who begins a sequence.",
    "campaigns/automations/notices.py::_hand_over": "To a colleague: a link, and nobody's name.",
    "campaigns/pages/sequences/running.py::sequence_people": "Names of who is in a sequence, "
    "without an address; its reader is written down.",
    "crm/tagging.py::_TAG": "Puts a tag on contacts; nothing leaves.",
    "crm/sql/form_codes.sql": "Codes of forms, no people.",
    "crm/sql/record_sent.sql": "Notes on timelines what was sent.",
    "crm/contacts.py::how_many_contacts": "A number.",
    "crm/search/keeping.py::Keeper.refresh": _HELD,
    "crm/search/keeping.py::_everybody": _HELD,
    "crm/search/keeping.py::_FINDABLE": "Ids of who may be found.",
    "crm/segments/compile.py::membership": "Ids of a segment: nested in statements that ask.",
    "crm/segments/facts.py::_lead": "A clause of membership; permission asks the gate.",
    "crm/segments/explaining.py::_ask_of_one": "Yes or no per rule of one contact, for staff.",
    "crm/pages/segment_edit.py::_sample": "A few names of a segment, for staff who write its "
    "rules: who is in it, not whom to reach.",
    "crm/pages/segment_explained.py::explained": _ONE,
    "crm/traits.py::_SQL": "Facets of people whose mail is being made; gate.sql comes behind it.",
    "privacy/index_rotation.py::_addresses": "The address becomes tokens and is given to nobody.",
    "privacy/vault/store.py::read_documents": "The vault itself.",
    "privacy/vault/store.py::_current": "The vault itself, before it writes a document anew.",
    "privacy/vault/stream.py::_BLOBS": "The vault itself.",
    "deploy/anonymised/making.py::make": "Counts people who do not exist, in a new installation.",
    "privacy/vault/interlock.py::_documents": "Ids of who has a document, to compare with keys.",
    "privacy/vault/stream.py::stream_documents": "The vault itself.",
    "privacy/vault/changes.py::_REVISIONS": "Ids and revisions, no document.",
    "privacy/vault/changes.py::revisions": "Ids and revisions, no document.",
    "privacy/vault/removal.py::delete_documents": "The vault itself: it destroys.",
}


def _functions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """The outermost functions, methods and assignments of a module, by their qualified names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{getattr(n, 'name', '')}", n) for n in node.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield ast.unparse(target), node


def _called(node: ast.AST) -> set[str]:
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {func.attr if isinstance(func, ast.Attribute) else ast.unparse(func) for func in calls}


def _says(node: ast.AST) -> str:
    """What a function holds of SQL: its string constants, one behind the other."""
    texts = [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return " ".join(texts)


def _ways() -> set[str]:
    found: set[str] = set()
    for path in SOURCES:
        here = str(path.relative_to(ROOT))
        for name, node in _functions(path):
            reaches = _called(node) & (READERS | SENDERS)
            if reaches or PEOPLE.search(_says(node)):
                found.add(f"{here}::{name}")
    for path in (each for app in ROOT.iterdir() for each in app.glob("sql/*.sql")):
        found.add(str(path.relative_to(ROOT)))  # each is reviewed: a statement is a design
    return found


def _inside(name: str) -> bool:
    """Ways that the sender and the vault take inside themselves."""
    return name.startswith("campaigns/smtp/session.py::")


def test_every_way_to_a_person_is_reviewed() -> None:
    ways = {way for way in _ways() if not _inside(way)}
    new = sorted(ways - GATED.keys() - NOBODY.keys())
    assert new == [], "Give it a gate, or say why it reaches nobody."
    gone = sorted((GATED.keys() | NOBODY.keys()) - ways)
    assert gone == [], "It is not there any more."
    assert not GATED.keys() & NOBODY.keys()


def test_what_should_be_gated_asks_the_gate() -> None:
    for way, (where, *words) in GATED.items():
        code = "\n".join(
            line
            for line in (ROOT / where).read_text(encoding="utf-8").splitlines()
            if not line.lstrip().startswith(("--", "#"))
        )
        assert [word for word in words if word not in code] == [], (way, where)


def test_only_the_vault_opens_documents() -> None:
    openers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for _name, node in _functions(path)
        if _called(node) & OPENERS
    }
    assert openers == {"privacy/vault/store.py", "privacy/vault/records.py"}


def test_no_exit_is_left_that_nobody_listed() -> None:
    """Other ways out of the house: none is imported but by the sender."""
    outside = re.compile(
        r"^(?:smtplib|requests|anymail|urllib3|httpx|dns|urllib\.request|http\.client|aiosmtpd"
        r"|imapclient)\b"
    )
    users = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(outside.match(name) for name in names):
                users.add(str(path.relative_to(ROOT)))
    assert {name for name in users if not name.startswith("deploy/")} == {
        # Ids of events to other systems, never a person (crm/webhooks/publishing.py).
        "crm/webhooks/posting.py",
        "campaigns/smtp/session.py",
        "campaigns/providers/session.py",
        # Asks the DNS for records of our own domains.
        "campaigns/management/commands/dkim.py",
        "campaigns/preflight/authentication.py",
        # Asks public servers whether a mail's links lead somewhere: the links of the words as
        # staff wrote them, before anybody's values stand in them.
        "campaigns/preflight/links.py",
        # Of anymail the readers of webhooks alone: they take and send nothing.
        "campaigns/returns/services_told.py",
        "campaigns/returns/events.py",
        "campaigns/returns/public_views.py",
        "campaigns/returns/listening.py",  # a server: it takes mail and sends none
        "campaigns/returns/mailbox.py",  # empties our own mailbox: it appends and sends nothing
        "privacy/vault/providers/transit.py",  # to the key server: wrapped keys, nobody's address
    }


def test_the_search_finds_what_it_should() -> None:
    planted = ast.parse("def leak():\n    return [p.email for p in profiles(contact_ids=[])]")
    assert _called(planted.body[0]) & READERS
    for text in (
        "SELECT id FROM crm_contact c",
        "select x from a join  consent_permission p",
        "COPY (SELECT subject_id, rev, body FROM blob WHERE true) TO STDOUT",
    ):
        assert PEOPLE.search(text), text
    assert not PEOPLE.search("SELECT 1 FROM crm_contactcampaign")
