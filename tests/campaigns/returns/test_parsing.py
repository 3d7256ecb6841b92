"""Each sample of the corpus is what somebody who read it says it is."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.returns import reading
from campaigns.returns.parsing import parse
from campaigns.returns.reading import NotReadable
from campaigns.returns.tokens import MESSAGE_ID, RETURN_PATH
from tests.campaigns.returns import samples
from tests.campaigns.returns.samples import NAMES, sample

# name: kind, why, status, and what says which message it is about: its return path (R), only its
# Message-ID (M), nothing (-).
TABLE = """
arf_auth_failure            notice       -                -        R
arf_comcast                 complaint    -                -        R
arf_not_spam                notice       -                -        R
arf_unattributable          complaint    -                -        -
arf_yahoo_redacted          complaint    -                -        M
autoreply_header_only       auto_reply   -                -        M
boxbe_challenge             challenge    -                -        M
daemon_unknown_text         unknown      -                -        R
dsn_in_base64_full          hard_bounce  unknown_user     5.1.1    -
dsn_message_id_only         hard_bounce  unknown_user     5.1.1    M
exchange_old_form           hard_bounce  unknown_user     -        R
exchange_too_large          soft_bounce  too_large        5.2.3    R
exim_delayed                delayed      greylisted       4.7.1    R
exim_retry_timeout          soft_bounce  expired          -        R
exim_unknown_user           hard_bounce  unknown_user     5.1.1    R
exim_unrouteable            hard_bounce  unknown_user     -        R
forged_return_path          hard_bounce  unknown_user     5.1.1    R
forwarded_complaint         unknown      -                -        R
free_unknown                hard_bounce  unknown_user     5.0.0    R
gmail_delay_fr              delayed      mailbox_full     4.2.2    R
gmail_dmarc                 soft_bounce  blocked          5.7.26   R
gmail_inactive              hard_bounce  mailbox_disabled 5.2.1    R
gmail_over_quota            soft_bounce  mailbox_full     5.2.2    R
gmail_unknown_user          hard_bounce  unknown_user     5.1.1    R
hotmail_unavailable         hard_bounce  unknown_user     5.5.0    R
jmrp_hotmail                complaint    -                -        R
laposte_refused             soft_bounce  blocked          5.5.0    R
laposte_unknown_fr          hard_bounce  unknown_user     5.1.1    R
m365_access_denied          hard_bounce  unknown_user     5.4.1    R
m365_base64_report          soft_bounce  mailbox_full     5.2.2    R
m365_blocked_5_7_1          soft_bounce  blocked          5.7.606  R
m365_unknown_user_fr        hard_bounce  unknown_user     5.1.10   R
mailinblack_fr              challenge    -                -        M
mdn_read_receipt            notice       -                -        M
new_mail_from_a_person      unknown      -                -        -
no_reference                hard_bounce  unknown_user     5.1.1    -
orange_busy                 delayed      blocked          4.3.2    R
orange_refused              soft_bounce  blocked          5.7.0    R
orange_unknown              hard_bounce  unknown_user     5.1.0    R
out_of_office_de            auto_reply   -                -        M
out_of_office_en            auto_reply   -                -        M
out_of_office_fr            auto_reply   -                -        M
postfix_delayed             delayed      expired          4.4.1    R
postfix_delivered           delivered    -                2.0.0    R
postfix_expired             soft_bounce  expired          4.4.1    R
postfix_greylisted_delayed  delayed      greylisted       4.2.0    R
postfix_headers_only        hard_bounce  unknown_user     5.1.1    R
postfix_host_not_found      hard_bounce  domain_gone      5.4.4    R
postfix_mailbox_full        soft_bounce  mailbox_full     5.2.2    R
postfix_relayed             notice       -                2.0.0    R
postfix_spam_blocked        soft_bounce  blocked          5.7.1    R
postfix_too_large           soft_bounce  too_large        5.3.4    R
postfix_unknown_user        hard_bounce  unknown_user     5.1.1    R
qmail_unknown               hard_bounce  unknown_user     5.1.1    R
reply_fr                    reply        -                -        M
reply_outlook_suppress      reply        -                -        M
reply_quoting_a_bounce      reply        -                -        M
reply_with_only_quote       unknown      -                -        M
sendmail_unknown            hard_bounce  unknown_user     5.1.1    R
sendmail_warning            delayed      greylisted       4.2.0    R
sfr_full_fr                 soft_bounce  mailbox_full     -        R
stop_fr                     opt_out      -                -        M
unsubscribe_subject         opt_out      -                -        M
vacation_unix               auto_reply   -                -        M
yahoo_no_account            hard_bounce  unknown_user     -        R
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def test_the_table_names_every_sample() -> None:
    assert [row[0] for row in ROWS] == NAMES
    assert len(NAMES) >= 40


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_sample_is_what_the_table_says(row: list[str]) -> None:
    name, *expected = row
    found = parse(sample(name))
    scopes = {reference.scope for reference in found.references}
    how = "R" if RETURN_PATH in scopes else "M" if MESSAGE_ID in scopes else "-"
    assert [found.kind, found.why or "-", found.status or "-", how] == expected


def test_what_a_message_was_delivered_to_says_whose_it_is() -> None:
    found = parse(sample("no_reference"), recipients=(samples.RETURN_PATH,))
    assert [reference.scope for reference in found.references] == [RETURN_PATH]


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_relay_that_changes_the_case_of_an_address_hides_nothing(case: object) -> None:
    address = case(samples.RETURN_PATH)  # type: ignore[operator]
    plain = parse(b"", recipients=(samples.RETURN_PATH,))
    assert parse(b"", recipients=(address,)).references == plain.references != ()


def test_a_token_inside_an_encoded_part_is_found() -> None:
    inside = base64.encodebytes(f"your mail {samples.MESSAGE_ID} is lost".encode())
    raw = b"Content-Transfer-Encoding: base64\r\n\r\n" + inside
    assert [each.scope for each in parse(raw).references] == [MESSAGE_ID]


def test_an_unknown_text_is_no_soft_bounce() -> None:
    raw = sample("daemon_unknown_text").replace(b"Zarquon", b"Please consider the mailbox of")
    assert parse(raw).kind == "unknown"


def test_a_person_who_quotes_a_bounce_has_not_bounced() -> None:
    assert parse(sample("reply_quoting_a_bounce")).kind == "reply"


# --- what a person says, whatever our own words look like -------------------------------------


def _answer(
    words: str, *, subject: str = "Re: Nouvelles de novembre", more: str = "", quoted: str = ""
) -> bytes:
    quote = f"\n\nLe 23 novembre 2026, Nordelia <x@nordelia.example> a écrit :\n> {quoted}\n"
    return (
        f"From: Alice <alice@example.org>\nSubject: {subject}\nIn-Reply-To: {samples.MESSAGE_ID}\n"
        f'{more}Content-Type: text/plain; charset="utf-8"\n\n{words}{quote if quoted else ""}\n'
    ).encode()


@pytest.mark.parametrize(
    "answer",
    [
        _answer("STOP", subject="Re: Partez en congés sereins"),
        _answer("Stop.", subject="RE: Absence : nos conseils"),
        _answer("STOP", subject="Re: Votre message est en attente"),
        _answer("STOP", quoted="Protégez-vous avec Mailinblack et notre spam blocker"),
        _answer("désabonnez-moi", more="Precedence: bulk\n"),
        _answer("unsubscribe", more="Auto-Submitted: no\n"),
    ],
)
def test_a_stop_is_a_stop_whatever_our_own_words_look_like(answer: bytes) -> None:
    assert parse(answer).kind == "opt_out"


def test_an_answer_is_no_challenge_and_no_absence_because_of_what_it_answers() -> None:
    holiday = _answer("Merci, rappelez-moi jeudi.", subject="Re: Partez en congés sereins")
    assert (parse(holiday).kind, parse(holiday).is_wish) == ("reply", False)
    quoting = _answer("Merci, rappelez-moi jeudi.", quoted="Mailinblack, désinscription ici")
    assert (parse(quoting).kind, parse(quoting).is_wish) == ("reply", False)
    absent = _answer("Je rentre lundi.", subject="Re: Absence", more="Return-Path: <>\n")
    assert parse(absent).kind == "auto_reply"


@pytest.mark.parametrize(
    "more", ["Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n", "X-Mailinblack-Id: 1\n"]
)
def test_a_machine_that_says_no_is_no_opt_out_and_is_read_by_a_person(more: str) -> None:
    found = parse(_answer("STOP", more=more))
    assert found.kind in ("auto_reply", "challenge")
    assert found.is_wish


@pytest.mark.parametrize(
    "words",
    [
        "Je ne veux plus recevoir vos mails, supprimez mes données.",
        "Bonjour,\n\nMerci de bien vouloir effacer mon adresse de vos fichiers.",
        "Ne m’envoyez plus rien !",
        "Je m'oppose à tout traitement, article 21 du RGPD.",
        "Arrêtez de m'écrire ou je saisis la CNIL",
        "D'où tenez-vous mon adresse ?",
        "Plus de mails svp, sinon je vous signale",
        "Je retire mon consentement.",
        "Please delete all my data and don't contact me again.",
        "I no longer wish to get these. Take me off the list.",
        "Stop sending me this, thank you",
        "I am exercising my right to erasure under the GDPR.",
        "Bonjour, pourriez-vous me désinscrire de cette liste ainsi que mon collègue ?",
    ],
)
def test_a_wish_in_somebodys_own_words_is_seen(words: str) -> None:
    found = parse(_answer(words))
    assert (found.kind, found.is_wish) == ("reply", True)


def test_an_answer_as_a_page_is_read_without_what_it_quotes() -> None:
    page = (
        "<html><body><div>{}</div><div class='q'>Le 23 nov., Nordelia &lt;a@b.example&gt; a écrit :"
        "<br></div><blockquote><p>Bonjour</p><a>Se désabonner</a></blockquote></body></html>"
    )
    as_page = _answer("{}").replace(b"text/plain", b"text/html")
    no = parse(as_page.replace(b"{}", page.format("STOP").encode()))
    yes = parse(as_page.replace(b"{}", page.format("Rappelez-moi<br>jeudi").encode()))
    assert (no.kind, yes.kind, yes.is_wish) == ("opt_out", "reply", False)


# --- messages made to break their reader ------------------------------------------------------


def test_more_than_is_kept_of_a_message_is_not_read() -> None:
    with pytest.raises(NotReadable, match="too large"):
        parse(b"a" * (reading.LARGEST + 1))


@pytest.mark.parametrize("levels", [reading.DEEPEST + 2, 149, 400, 5_000])
def test_a_message_inside_a_message_without_end_is_refused(levels: int) -> None:
    with pytest.raises(NotReadable):
        parse(b"Content-Type: message/rfc822\r\n\r\n" * levels + b"a")


@pytest.mark.parametrize("levels", [40, 140])
def test_parts_inside_parts_without_end_are_refused(levels: int) -> None:
    lines = [
        f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n'
        for level in range(levels)
    ]
    with pytest.raises(NotReadable):
        parse("".join(lines).encode())


_HEADERS = st.sampled_from(
    [
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        b"Content-Type: message/delivery-status",
        b"Content-Type: message/feedback-report",
        b"Content-Type: text/plain; charset=utf-16",
        b"Content-Type: text/html; charset=nonsense",
        b"Content-Type: ; ;=",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Disposition: attachment; filename*=utf-8''%ff",
        b"From: =?utf-8?b?////?= <MAILER-DAEMON@x>",
        b"From: =?iso-2022-jp?b?GyRC?=",
        b"Subject: =?nonsense?q?=ff?= failure notice",
        b"Return-Path: <>",
        b"--b",
        b"--b--",
        b"Action: failed",
        b"Status: 5.1.1",
        b"Diagnostic-Code: smtp; 550 user unknown",
        b"Feedback-Type: abuse",
        b"<a@b.example>: user unknown",
        b"",
    ]
)


@given(st.lists(_HEADERS | st.binary(max_size=40), max_size=40))
@example([b"Content-Type: message/delivery-status", b"", b"\xff: \xff"])
def test_whatever_arrives_has_a_kind_or_one_named_error(lines: list[bytes]) -> None:
    try:
        found = parse(b"\r\n".join(lines))
    except NotReadable:
        return
    assert found.kind
    assert len(found.status) <= 12


@given(st.sampled_from(NAMES), st.data())
def test_a_damaged_sample_has_a_kind_or_one_named_error(name: str, data: st.DataObject) -> None:
    raw = bytearray(sample(name))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        assert parse(bytes(raw[:cut])).kind
    except NotReadable:
        return
