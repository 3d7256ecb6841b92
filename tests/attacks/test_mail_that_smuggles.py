"""Words cannot end a message early, begin another, or add a header (ASVS 1.3.11)."""

import pytest

from crm.services import Facets, Person, receive_many
from tests.attacks.mailing import delivered, with_more
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.conftest import NOW
from tests.consent import people

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
_SECOND = (
    "MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nX-Evil: 1\r\n\r\n"
)
SMUGGLED = [f"a{end}{_SECOND}" for end in ("\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n")]
HEADERS = [
    "Zoe\r\nBcc: evil@example.org",
    "Zoe\nX-Evil: 1\n\nbody",
    "Zoe\rX-Evil: 1",
    "Zoe\u2028X-Evil: 1",
    "Zoe\u2029X-Evil: 1",
    "Zoe\x00X-Evil: 1",
    "Zoe\x85X-Evil: 1",
    "=?utf-8?q?Zoe=0D=0ABcc:_evil@example.org?=",
    "=?utf-8?b?" + "QQ==?= =?utf-8?b?" * 4,
]


def _arrive(names: list[str]) -> None:
    typed = [
        Person(f"n{number}@example.org", given_name=name, family_name=name, company=name)
        for number, name in enumerate(names)
    ]
    facets: Facets = {"language": "en", "source": "t"}
    rows = [(person, facets) for person in typed]
    for contact, person in zip(receive_many(people=rows, now=NOW), typed, strict=True):
        people.submit(
            contact, people.newsletter(is_ticked=True), email=person.email, needs_confirmation=False
        )


def test_each_person_gets_one_message_with_exactly_the_expected_headers() -> None:
    _arrive(["Zoe", *HEADERS, *SMUGGLED])
    lines = "".join(f"<mj-text>{end}.{end}X-Evil: 1</mj-text>" for end in ("\r\n", "\n", "\r"))
    mjml = with_more(f"{lines}<mj-text>{{{{ last_name }}}}</mj-text>")
    messages = delivered(cast.draft(subject="Dear {{ first_name }}", mjml=mjml))
    reached = sorted(str(each["Delivered-To"]) for each in messages)
    assert reached == sorted(f"n{n}@example.org" for n in range(1 + len(HEADERS) + len(SMUGGLED)))
    harmless = next(m for m in messages if str(m["Delivered-To"]) == "n0@example.org")
    expected = sorted(harmless.keys())
    assert len(set(expected)) == len(expected)
    for message in messages:
        assert sorted(message.keys()) == expected, message["Delivered-To"]
        assert [to.addr_spec for to in message["To"].addresses] == [str(message["Delivered-To"])]
        assert "\n" not in str(message["Subject"])
        plain = message.get_body(("plain",))
        assert plain is not None and "X-Evil: 1" in plain.get_content()


@pytest.mark.parametrize("field", ["subject", "sender_name", "sender_address", "reply_to"])
def test_staff_cannot_put_a_header_into_a_field(field: str) -> None:
    from django.urls import reverse

    from campaigns.models import Campaign

    client = desk.browser()
    campaign = cast.draft()
    for evil in ("a\r\nBcc: evil@example.org", "a\nX: y", "a@b.example\r\nRCPT TO:<x@y.example>"):
        client.post(reverse("campaign-edit", args=[campaign]), desk.words(**{field: evil}))
        kept = Campaign.objects.values_list(field, flat=True).get(id=campaign)
        page = client.get(reverse("campaign", args=[campaign])).content.decode()
        assert ("\n" not in kept and "\r" not in kept) or "Send to" not in page
