import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from campaigns.content.html_contexts import compile_html
from campaigns.content.merge import MissingValue, compile_header, compile_plain
from campaigns.smtp.addresses import BadAddress
from campaigns.smtp.dkim_signing import DkimKey, DkimSigner, SigningKeyUnusable
from campaigns.smtp.headers import UnsafeHeader
from campaigns.smtp.message import MessageFrame, Sender
from campaigns.smtp.session import wire_body

HTML = (
    "<p>Bonjour {{ first_name | 'vous' }},</p>\n<p>.Été à Nîmes" + " très long" * 90 + "</p>\n"
    '<a href="{{ opt_out_url }}">Ne plus recevoir</a> {{ company }}'
)
TEXT = "Bonjour {{ first_name | 'vous' }},\n.\n{{ notice }}\n\n{{ opt_out_url }}\n"
SENDER = Sender(
    name="L’Été, S.A.",
    address="news@exemple.fr",
    reply_to="contact@exemple.fr",
    list_id="Nouvelles de l’été <news.exemple.fr>",
    feedback_id="42:accord:newsletter:exemple",
    complaint_address="fbl@exemple.fr",
)
VALUES = {
    "first_name": "Zoé",
    "company": "Dupont & Fils",
    "opt_out_url": "https://exemple.fr/o/abc",
    "notice": "Un\nDeux",
}
WHEN = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def frame(**changes: Any) -> MessageFrame:
    settings: dict[str, Any] = {
        "sender": SENDER,
        "subject": compile_header("Bonjour {{ first_name | 'vous' }}, du nouveau"),
        "html": compile_html(HTML),
        "text": compile_plain(TEXT),
        "language": "fr",
    }
    return MessageFrame.compile(**(settings | changes))


def rendered(built: MessageFrame | None = None, **changes: Any) -> bytes:
    settings: dict[str, Any] = {
        "values": VALUES,
        "to_address": "zoe@société.fr",
        "to_name": "Zoé Dupont",
        "message_id": "<0123abcd@exemple.fr>",
        "date": WHEN,
        "unsubscribe_url": "https://exemple.fr/o/abc",
    }
    return (built or frame()).render(**(settings | changes))


def parsed(message: bytes) -> EmailMessage:
    result = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(result, EmailMessage)
    return result


def body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_newsletter_has_exactly_these_headers() -> None:
    message = parsed(rendered())
    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "To": "Zoé Dupont <zoe@xn--socit-esab.fr>",
        "Subject": "Bonjour Zoé, du nouveau",
        "Date": "Mon, 23 Nov 2026 08:30:00 +0000",
        "Message-ID": "<0123abcd@exemple.fr>",
        "List-Unsubscribe": "<https://exemple.fr/o/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "From": '"L’Été, S.A." <news@exemple.fr>',
        "Reply-To": "contact@exemple.fr",
        "List-Id": "Nouvelles de l’été <news.exemple.fr>",
        "Feedback-ID": "42:accord:newsletter:exemple",
        "CFBL-Address": "fbl@exemple.fr; report=arf",
        "Precedence": "bulk",
        "Content-Language": "fr",
        "MIME-Version": "1.0",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects


def test_a_letter_says_it_was_sent_by_a_machine_and_needs_no_unsubscribe() -> None:
    letter = parsed(
        rendered(frame(kind="letter", sender=Sender(name="", address="a@b.fr")), unsubscribe_url="")
    )
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] is None


def test_a_newsletter_without_unsubscribe_or_list_id_is_refused() -> None:
    with pytest.raises(UnsafeHeader):
        rendered(unsubscribe_url="")
    with pytest.raises(UnsafeHeader):
        frame(sender=Sender(name="x", address="a@b.fr"))


any_text = st.text(max_size=120) | st.sampled_from(["", " ", "a" * 90, "é" * 90, ".", "=", "a\tb "])


@given(first_name=any_text, company=any_text, notice=any_text)
def test_both_bodies_decode_to_what_the_templates_render(
    first_name: str, company: str, notice: str
) -> None:
    values = VALUES | {"first_name": first_name, "company": company, "notice": notice}
    html, text = compile_html(HTML), compile_plain(TEXT)
    raw = rendered(frame(html=html, text=text, subject=compile_header("x")), values=values)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n")) <= 76
    wire_body(raw)
    message = parsed(raw)
    assert body(message, "html") == html.render(values).replace("\r\n", "\n").replace("\r", "\n")
    assert body(message, "plain") == text.render(values).replace("\r\n", "\n").replace("\r", "\n")


INJECTIONS = [
    "Zoé\r\nBcc: evil@example.org",
    "Zoé\nBcc: evil@example.org",
    "Zoé\rBcc: evil@example.org",
    "Zoé\u2028Bcc: evil@example.org",
    "Zoé\u2029Bcc: evil@example.org",
    "Zoé\x00",
    "Zoé\x85Bcc: x",
    "Zoé\u202eevil",
    "x" * 161,
]


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_display_name_cannot_start_a_header(name: str) -> None:
    with pytest.raises(UnsafeHeader) as caught:
        rendered(to_name=name)
    assert "evil" not in str(caught.value)
    with pytest.raises(UnsafeHeader):
        frame(sender=Sender(name=name, address="a@b.fr", list_id="<n.b.fr>"))


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_value_in_the_subject_cannot_start_a_header(name: str) -> None:
    message = parsed(rendered(values=VALUES | {"first_name": name}))
    assert sorted(message.keys()) == sorted(parsed(rendered()).keys())
    assert "\n" not in str(message["Subject"])


NAMES = [
    'Zoé "la" Grande',
    "O'Brien, Ann",
    "a\\b",
    "=?utf-8?q?evil?=",
    "Ann <evil@example.org>",
    "宮本 武蔵",
    "(comment)",
    "Ann@Bob",
    " spaced ",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_display_name_arrives_as_it_is(name: str) -> None:
    message = parsed(rendered(to_name=name))
    assert [address.addr_spec for address in message["To"].addresses] == ["zoe@xn--socit-esab.fr"]
    assert message["To"].addresses[0].display_name.strip() == name.strip()


def test_a_long_name_is_cut_into_encoded_words_between_characters() -> None:
    name = "宮本 武蔵" * 10
    message = email.message_from_bytes(rendered(to_name=name), policy=email.policy.compat32)
    assert str(make_header(decode_header(message["To"]))).startswith(name)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=200))
def test_any_subject_reads_back(subject: str) -> None:
    raw = rendered(
        frame(subject=compile_header("{{ first_name }}")),
        values=VALUES | {"first_name": subject or "x"},
    )
    head = raw.split(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert parsed(raw)["Subject"].strip() == (subject or "x").strip()


@pytest.mark.parametrize("message_id", ["abc", "<a@b>\r\nBcc: x", "<a b@c.fr>", "<>"])
def test_a_message_id_must_be_one(message_id: str) -> None:
    with pytest.raises(UnsafeHeader):
        rendered(message_id=message_id)


@pytest.mark.parametrize(
    "url", ["mailto:a@b.fr", "https://a.fr/>x", "https://a.fr/ b", "https://é.fr"]
)
def test_a_one_click_address_must_be_a_plain_web_address(url: str) -> None:
    with pytest.raises(UnsafeHeader):
        rendered(unsubscribe_url=url)


def test_a_message_without_its_opt_out_address_is_not_made() -> None:
    with pytest.raises(MissingValue):
        rendered(values={"first_name": "Zoé"})
    with pytest.raises(MissingValue):
        rendered(values=VALUES | {"opt_out_url": "javascript:alert(1)"})


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(BadAddress):
        rendered(to_address="zoe@example.org>\r\nBcc: x")


# --- DKIM -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return path, b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])


def verifies(message: bytes, record: bytes) -> bool:
    return bool(dkim.verify(message, dnsfunc=lambda *_args, **_kwargs: record))


def test_a_signature_covers_the_unsubscribe_headers_and_refuses_changes(
    key: tuple[Path, bytes],
) -> None:
    signer = DkimSigner([DkimKey(domain="exemple.fr", selector="a1", key_path=key[0])])
    message = rendered(frame(signer=signer))
    assert verifies(message, key[1])
    for old, new in [
        (b"One-Click", b"Two-Click"),
        (b"/o/abc>", b"/o/abd>"),
        (b"Mon, 23", b"Tue, 23"),
        (b"multipart/alternative", b"multipart/mixed"),
        (b"\r\nDate:", b"\r\nSubject: more\r\nDate:"),
        (b"\r\nDate:", b"\r\nFrom: other@exemple.fr\r\nDate:"),
    ]:
        assert old in message
        assert not verifies(message.replace(old, new, 1), key[1])


def test_an_unusable_key_is_found_when_the_signer_is_built(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    for name in ("key.pem", "missing.pem"):
        with pytest.raises(SigningKeyUnusable):
            DkimKey(domain="exemple.fr", selector="a1", key_path=tmp_path / name)
