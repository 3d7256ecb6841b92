"""What a DNS server answers of the sending domain: a real one, on loopback."""

import base64
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from campaigns.preflight.authentication import authentication_findings, resolver_texts
from campaigns.preflight.findings import Finding


class NameServer(threading.Thread):
    """Answers TXT questions over UDP from a dictionary; says nothing where it is deaf."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.zone: dict[str, list[str]] = {}
        self.is_deaf = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                raw, who = self.socket.recvfrom(4096)
            except OSError:
                return
            if not self.is_deaf:
                self.socket.sendto(self._answer(dns.message.from_wire(raw)), who)

    def _answer(self, query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        name = query.question[0].name
        texts = self.zone.get(name.to_text(omit_final_dot=True))
        if texts is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif texts:
            quoted = [
                " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
                for text in texts
            ]
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
        return answer.to_wire()


@pytest.fixture
def server() -> Iterator[NameServer]:
    server = NameServer()
    server.start()
    yield server
    server.socket.close()


def key(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


GOOD = {
    "mail.us.test": ["v=spf1 include:_spf.relay.test -all"],
    "s1._domainkey.us.test": [f"v=DKIM1; k=rsa; p={key(294)}"],
    "_dmarc.us.test": ["v=DMARC1; p=quarantine; rua=mailto:d@us.test"],
}


def found(
    server: NameServer, *, signs: bool = True, sender: str = "us.test", **changed: list[str] | None
) -> dict[str, Finding]:
    names = {"spf": "mail.us.test", "dkim": "s1._domainkey.us.test", "dmarc": "_dmarc.us.test"}
    zone: dict[str, list[str]] = dict(GOOD)
    for which, texts in changed.items():
        if texts is None:
            del zone[names[which]]
        else:
            zone[names[which]] = texts
    server.zone = zone
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    resolver.timeout = 0.2
    findings = authentication_findings(
        from_domain=sender,
        return_domain="mail.us.test",
        signing_domain="us.test",
        selector="s1",
        signs=signs,
        texts=resolver_texts(resolver),
    )
    return {each.code: each for each in findings}


def test_a_domain_that_says_everything_is_in_order(server: NameServer) -> None:
    all_of_it = found(server)
    assert set(all_of_it) == {"spf", "dkim", "dmarc", "alignment"}
    assert {str(each.verdict) for each in all_of_it.values()} == {"passed"}
    assert all_of_it["dmarc"].detail["policy"] == "quarantine"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"spf": None}, "spf-missing"),
        ({"spf": []}, "spf-missing"),
        ({"spf": ["v=spf10 -all"]}, "spf-missing"),
        ({"spf": ["v=spf1 -all", "v=spf1 ~all"]}, "spf-twice"),
        ({"spf": ["v=spf1 +all"]}, "spf-open"),
        ({"spf": ["v=spf1 all"]}, "spf-open"),
        ({"spf": ["v=spf1 " + "include:x.test " * 11 + "-all"]}, "spf-lookups"),
        ({"spf": ["v=spf1 a mx " + "include:x.test " * 9 + "-all"]}, "spf-lookups"),
        ({"dkim": None}, "dkim-missing"),
        ({"dkim": ["v=DKIM1; p="]}, "dkim-revoked"),
        ({"dkim": ["v=DKIM1; p=%%%"]}, "dkim-broken"),
        ({"dkim": [f"k=rsa; p={key(90)}"]}, "dkim-short"),
        ({"dmarc": None}, "dmarc-missing"),
        ({"dmarc": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "dmarc-twice"),
    ],
)
def test_what_is_missing_is_said(server: NameServer, changed: dict[str, Any], code: str) -> None:
    assert str(found(server, **changed)[code].verdict) == "warning"


def test_an_ed25519_key_is_short_and_good(server: NameServer) -> None:
    assert "dkim" in found(server, dkim=[f"v=DKIM1; k=ed25519; p={key(32)}"])


def test_a_relay_may_sign_under_its_own_name(server: NameServer) -> None:
    finding = found(server, signs=False, dkim=None)["dkim-relay"]
    assert str(finding.verdict) == "unknown"


def test_a_policy_of_the_domain_above_counts(server: NameServer) -> None:
    assert "dmarc" in found(server, sender="news.us.test")


def test_a_sender_of_another_domain_is_said(server: NameServer) -> None:
    assert str(found(server, sender="gmail.test")["alignment"].verdict) == "warning"


def test_where_no_resolver_answers_nothing_is_known(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.preflight.authentication._SECONDS", 0.5)
    server.is_deaf = True
    assert {code: str(each.verdict) for code, each in found(server).items()} == {
        "authentication": "unknown"
    }
