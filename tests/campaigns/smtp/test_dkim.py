"""Signatures, checked by others: dkimpy, and the example of RFC 8463."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import dkim
import dns.resolver
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from dkim.canonicalization import Relaxed
from pytest_django import Settings

from campaigns.smtp import dkim_signing
from campaigns.smtp.dkim_keys import domains, keys_of, new_keys, signing_keys, status
from campaigns.smtp.dkim_signing import DkimKey, DkimSigner, SigningKeyUnusable
from campaigns.smtp.session import RelaySession
from tests.campaigns.smtp.relay import Script, relay
from tests.campaigns.smtp.test_message import frame, rendered

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dkim")
    new_keys(folder=folder, domain="exemple.fr", now=NOW, signs_from=NOW)
    return folder


def keys(folder: Path, at: datetime = NOW) -> list[DkimKey]:
    return signing_keys(folder, "exemple.fr", at)


def records(signing: list[DkimKey]) -> dict[str, bytes]:
    return {f"{key.selector}._domainkey.{key.domain}.": key.record().encode() for key in signing}


def verifies_rsa(message: bytes, signing: list[DkimKey]) -> bool:
    """By dkimpy, which finds the record of each signature by its name."""
    known = records(signing)
    checker = dkim.DKIM(message, minkey=2048)
    at = next(
        index
        for index, (_name, value) in enumerate(
            header for header in checker.headers if header[0].lower() == b"dkim-signature"
        )
        if b"a=rsa-sha256" in value
    )
    try:
        return bool(
            checker.verify(idx=at, dnsfunc=lambda name, timeout=5: known.get(name.decode()))
        )
    except dkim.ValidationError:  # the hash of the body is another one
        return False


def verifies_ed25519(message: bytes, public: bytes) -> bool:
    """With dkimpy's reading of the message; its own check would need another library."""
    headers, body = dkim.rfc822_parse(message)
    name, value = next(
        header
        for header in headers
        if header[0].lower() == b"dkim-signature" and b"ed25519" in header[1]
    )
    tags = dict(part.strip().split(b"=", 1) for part in value.strip().rstrip(b";").split(b";"))
    tags = {key.strip(): re.sub(rb"\s+", b"", text) for key, text in tags.items()}
    hashed = hashlib.sha256(Relaxed.canonicalize_body(body)).digest()
    if base64.b64encode(hashed) != tags[b"bh"]:
        return False
    relaxed = Relaxed.canonicalize_headers(headers)
    chosen = dkim.select_headers(relaxed, tags[b"h"].lower().split(b":"))
    [own] = Relaxed.canonicalize_headers([(name, dkim.RE_BTAG.sub(b"\\1", value))])
    lines = [(key, text) for key, text in chosen] + [(own[0], own[1].rstrip())]
    signed = b"".join(key + b":" + text for key, text in lines)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            base64.b64decode(tags[b"b"]), hashlib.sha256(signed).digest()
        )
    except InvalidSignature:
        return False
    return True


def public_of(signing: list[DkimKey]) -> bytes:
    [key] = [key for key in signing if key.algorithm == "ed25519-sha256"]
    return base64.b64decode(key.record().rpartition("p=")[2])


# RFC 8463, appendix A.
_EXAMPLE = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)
_PUBLIC = base64.b64decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")


def test_the_check_of_ed25519_agrees_with_the_example_of_the_rfc() -> None:
    assert verifies_ed25519(_EXAMPLE, _PUBLIC)
    assert not verifies_ed25519(_EXAMPLE.replace(b"dinner", b"supper"), _PUBLIC)
    body = _EXAMPLE.partition(b"\r\n\r\n")[2]
    hashed = hashlib.sha256(dkim_signing.relaxed_body(body)).digest()
    assert base64.b64encode(hashed) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


def test_a_message_has_two_signatures_and_both_hold(folder: Path) -> None:
    signing = keys(folder)
    message = rendered(frame(signer=DkimSigner(signing)))
    assert message.count(b"DKIM-Signature:") == 2
    assert verifies_rsa(message, signing)
    assert verifies_ed25519(message, public_of(signing))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"One-Click", b"Two-Click"),
        (b"/o/abc>", b"/o/abd>"),
        (b"Mon, 23", b"Tue, 23"),
        (b"multipart/alternative", b"multipart/mixed"),
        (b"fbl@exemple.fr", b"fbm@exemple.fr"),
        (b"42:accord", b"43:accord"),
        (b"\r\nDate:", b"\r\nSubject: more\r\nDate:"),
        (b"\r\nDate:", b"\r\nFrom: other@exemple.fr\r\nDate:"),
        (b"\r\nDate:", b"\r\nCc: other@exemple.fr\r\nDate:"),
        (b"\r\nDate:", b"\r\nList-Unsubscribe: <https://evil.example/>\r\nDate:"),
        (b"\r\nDate:", b"\r\nReply-To: evil@example.org\r\nDate:"),
        (b"tr=C3=A8s", b"tres"),
    ],
)
def test_no_change_and_no_second_header_goes_unseen(folder: Path, old: bytes, new: bytes) -> None:
    signing = keys(folder)
    message = rendered(frame(signer=DkimSigner(signing)))
    assert old in message
    changed = message.replace(old, new, 1)
    assert not verifies_rsa(changed, signing)
    assert not verifies_ed25519(changed, public_of(signing))


def test_folding_anew_and_headers_in_front_change_nothing(folder: Path) -> None:
    signing = keys(folder)
    message = rendered(frame(signer=DkimSigner(signing)))
    passed_on = b"Received: from a by b; Mon, 23 Nov 2026 08:30:00 +0000\r\n" + message.replace(
        b"Subject: ", b"Subject:\r\n "
    )
    assert verifies_rsa(passed_on, signing)
    assert verifies_ed25519(passed_on, public_of(signing))


def test_the_signatures_hold_behind_a_real_relay(folder: Path) -> None:
    signing, script = keys(folder), Script()
    message = rendered(frame(signer=DkimSigner(signing)))
    with relay(script) as address, RelaySession(address) as session:
        session.open_message("bounce@exemple.fr", "zoe@example.net")
        session.send_body(message)
    assert verifies_rsa(script.bodies[0], signing)
    assert verifies_ed25519(script.bodies[0], public_of(signing))


def test_an_empty_body_is_signed(folder: Path) -> None:
    signing = keys(folder)
    message = DkimSigner(signing).sign(b"From: a@exemple.fr\r\nTo: b@example.net\r\n\r\n")
    assert verifies_rsa(message, signing)


# --- keys, and their change ---------------------------------------------------------------------


def test_a_new_pair_waits_then_signs_while_the_old_one_overlaps(tmp_path: Path) -> None:
    new_keys(folder=tmp_path, domain="exemple.fr", now=NOW, signs_from=NOW)
    change = NOW + timedelta(days=30)
    new_keys(
        folder=tmp_path, domain="exemple.fr", now=change - timedelta(days=2), signs_from=change
    )
    among = keys_of(tmp_path, "exemple.fr")
    assert len({each.key.selector for each in among}) == 4

    def statuses(at: datetime) -> list[str]:
        return sorted(status(each, among, at) for each in among)

    assert statuses(NOW) == ["signs", "signs", "waits", "waits"]
    assert statuses(change) == ["overlaps", "overlaps", "signs", "signs"]
    assert statuses(change + timedelta(days=7)) == ["over", "over", "signs", "signs"]
    before = {key.selector for key in keys(tmp_path, change - timedelta(seconds=1))}
    after = {key.selector for key in keys(tmp_path, change)}
    assert len(before) == len(after) == 2
    assert not before & after


def test_two_pairs_of_one_day_have_names_of_their_own(tmp_path: Path) -> None:
    for _pair in range(2):
        new_keys(folder=tmp_path, domain="exemple.fr", now=NOW, signs_from=NOW)
    assert len(keys_of(tmp_path, "exemple.fr")) == 4
    assert len(keys(tmp_path)) == 2


def test_each_domain_has_its_own_keys_and_one_below_uses_those_above(tmp_path: Path) -> None:
    for domain in ("exemple.fr", "autre.example"):
        new_keys(folder=tmp_path, domain=domain, now=NOW, signs_from=NOW)
    assert domains(tmp_path) == ["autre.example", "exemple.fr"]
    for sender, signs in [
        ("exemple.fr", "exemple.fr"),
        ("news.exemple.fr", "exemple.fr"),
        ("autre.example", "autre.example"),
    ]:
        assert {key.domain for key in signing_keys(tmp_path, sender, NOW)} == {signs}
    for stranger in ("fr", "other.example", "notexemple.fr", "../exemple.fr", ""):
        assert signing_keys(tmp_path, stranger, NOW) == []


def test_a_key_is_nobody_elses_to_read_and_a_weak_one_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    new_keys(folder=tmp_path, domain="exemple.fr", now=NOW, signs_from=NOW)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.pem")}
    assert modes == {0o600}
    weak = rsa.generate_private_key(65537, 1024).private_bytes(  # noqa: S505
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "weak.pem").write_bytes(weak)
    with pytest.raises(SigningKeyUnusable):
        DkimKey(domain="exemple.fr", selector="weak", key_path=tmp_path / "weak.pem")


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.DKIM_DIR = tmp_path / "dkim"
    yield settings.DKIM_DIR


def said(*words: str) -> str:
    out = StringIO()
    call_command("dkim", *words, stdout=out)
    return out.getvalue()


def test_the_command_makes_keys_and_prints_records_a_zone_can_hold(home: Path) -> None:
    text = said("new", "exemple.fr")
    assert text == said("show")
    strings = re.findall(r'"([^"]*)"', text)
    assert all(len(string) <= 255 for string in strings)
    assert "".join(strings).count("v=DKIM1") == 2
    assert "publish its record now" in text
    assert "PRIVATE" not in text


def test_the_command_says_what_the_dns_lacks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said("new", "exemple.fr", "--after-days", "0")
    known = {
        f"{each.key.selector}._domainkey.exemple.fr": each.key.record()
        for each in keys_of(home, "exemple.fr")
    }

    class Row:
        def __init__(self, text: str) -> None:
            self.strings = (text[:200].encode(), text[200:].encode())

    def resolve(name: str, kind: str) -> list[Row]:
        assert kind == "TXT"
        if name not in known:
            raise dns.resolver.NXDOMAIN
        return [Row(known[name])]

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    assert said("check").count("ok ") == 2
    known.popitem()
    with pytest.raises(CommandError, match="1 record"):
        said("check")


def test_without_a_key_the_command_says_how_to_make_one(home: Path) -> None:
    for verb in ("show", "check"):
        with pytest.raises(CommandError, match="dkim new"):
            said(verb)
