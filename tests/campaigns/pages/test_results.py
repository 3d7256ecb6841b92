"""The pages of results: figures with what they are based on, side by side, and as a file."""

import csv
import io
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import services
from campaigns.models import Campaign, CampaignResult
from campaigns.results.cells import Cell
from campaigns.results.figures import (
    VERSION,
    Figures,
    Ground,
    Measured,
    OptOut,
    Outcome,
    Returned,
    to_document,
)
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.campaigns.results.world import FIRST_DAY
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def figures(*, sent: int = 900, opened: int = 30, is_measured: bool = True) -> Figures:
    measured = Measured(
        all=Cell("", 60, opened, 12),
        groups={
            "variant": [Cell("0", 30, 20, 6), Cell("1", 30, 10, 6)],
            "language": [Cell("fr", 45, 20, 9), Cell("*", 15, 10, 3)],
            "country": [Cell("*", 60, 30, 12)],
            "status": [Cell("customer", 50, 25, 10), Cell("*", 10, 5, 2)],
        },
        opened_on=[(FIRST_DAY, 20), (FIRST_DAY + timedelta(days=1), 10)],
        clicked_on=[(FIRST_DAY, 12)],
        links=[("https://shop.example/", 9), ("https://www.example.com/", 5)],
    )
    return Figures(
        outcomes=[
            Outcome("sent", "", 0, "", sent - 100),
            Outcome("sent", "", 1, "", 100),
            Outcome("bounced", "rejected", 0, "550 5.1.1", 60),
            Outcome("bounced", "rejected", 1, "550 5.7.1", 40),
            Outcome("skipped", "withdrawn", 0, "", 7),
        ],
        opt_outs=[OptOut("one_click_post", 0, 8), OptOut("preference_centre", 1, 1)],
        grounds=[
            Ground("A6-1-a", "ConsentGiven", "double_opt_in", 700),
            Ground("A6-1-f-controller", "LegitimateInterestNotObjected", "import", 300),
        ],
        returned=[
            Returned("reply", "", "", 5),
            Returned("hard_bounce", "unknown_user", "5.1.1", 4),
            Returned("complaint", "", "", 2),
        ],
        measured=measured if is_measured else None,
    )


def counted(name: str = "November", found: Figures | None = None, *, days: int = 0) -> UUID:
    """A finished campaign with these figures."""
    campaign = cast.draft()
    at = NOW + timedelta(days=days)
    Campaign.objects.filter(id=campaign).update(
        name=name, state="finished", launched_at=at, finished_at=at, audience_size=1007
    )
    CampaignResult.objects.create(
        campaign_id=campaign,
        due_at=at,
        counted_at=at,
        figures=to_document(found or figures()),
        version=VERSION,
    )
    return campaign


def test_the_page_says_every_figure_and_what_it_is_based_on() -> None:
    html = desk.read(browser(), "campaign-results", counted())
    text = desk.plain(html)
    for words in (
        "Results of November",
        "As of 23 November 2026",
        "900 of 1,007 in the audience",
        "10.0 % 100 of 1,000 · 8.3 % to 12.0 %",
        "1.0 % 9 of 900",
        "50.0 % 30 of 60",
        "20.0 % 12 of 60",
        "Left out at the last moment 7 The person withdrew their consent. 7",
        "Audience: all of these together 1,007",
        "Bounced The receiving server refused it for good. 550 5.1.1 60",
        "550 5.7.1 40",
        "Complained, of what was sent 0.2 % 2 of 900",
        "Reply – 5 Bounced for good Nobody has this address. 5.1.1 4 Complaint – 2",
        "by the link of a message 8",
        "on the preference page 1",
        "within 30 days after this message",
        "Consent Said yes with the button of the confirmation e-mail 700",
        "Legitimate interest Did not object by a file 300",
        "60 of 900 people whose message was sent",
        "before anybody reads, or never",
        "Groups of fewer than 10 people are put together as others.",
        "French 45", "Others, together 15",
        "https://shop.example/ 9",
        "23/11/2026 20 12", "24/11/2026 10 0",
    ):  # fmt: skip
        assert words in text, words
    assert "Country" not in text  # one group of everybody says nothing
    assert desk.offences(html) == []
    assert 'data-results-chart="days-table"' in html


def test_the_lines_of_the_account_add_up() -> None:
    html = desk.read(browser(), "campaign-results", counted())
    widths = [
        int(width) for width in re.findall(r'<rect class="[^"]+" x="\d+" width="(\d+)"', html)
    ]
    assert sum(widths) == 1000


def test_with_fewer_than_ten_who_agree_the_page_says_so_and_nothing_else() -> None:
    text = desk.plain(
        desk.read(browser(), "campaign-results", counted(found=figures(is_measured=False)))
    )
    assert "Fewer than 10 people who were sent this campaign agree to be measured." in text
    assert "Opened, of those measured – fewer than 10 agree" in text
    assert "By link" not in text


def test_before_the_first_count_the_page_looks_again_by_itself() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    client = browser()
    html = desk.read(client, "campaign-results", campaign)
    assert "The figures are being counted" in html
    assert 'hx-trigger="every 2s"' in html
    services.count_results(clock=cast.clock)
    html = desk.read(client, "campaign-results", campaign)
    assert "every 2s" not in html
    # While it runs, the live account comes from its own address.
    assert (
        f'{reverse("campaign-progress", args=[campaign])}?state=running" hx-trigger="load"' in html
    )


def test_a_draft_has_no_results() -> None:
    draft = cast.draft()
    answer = browser().get(reverse("campaign-results", args=[draft]))
    assert answer.headers["Location"] == reverse("campaign", args=[draft])


def test_counting_again_is_asked_for() -> None:
    campaign = counted()
    later = cast.clock() + timedelta(days=1)
    CampaignResult.objects.update(due_at=later)
    answer = browser().post(reverse("campaign-recount", args=[campaign]), follow=True)
    assert "The figures are counted again within seconds." in answer.content.decode()
    assert CampaignResult.objects.get().due_at < later


def test_no_page_of_results_counts_messages() -> None:
    campaign, other = counted(), counted("December", days=3)
    client = browser()
    desk.read(client, "results-list")
    for name, args, query in (
        ("campaign-results", [campaign], {}),
        ("campaign-results-file", [campaign], {}),
        ("results-list", [], {}),
        ("results-compare", [], {"campaign": [str(campaign), str(other)]}),
        ("results-compare-file", [], {"campaign": [str(campaign), str(other)]}),
    ):
        with CaptureQueriesContext(connections["default"]) as asked:
            assert client.get(reverse(name, args=args), query).status_code == 200
        said = " ".join(query["sql"] for query in asked.captured_queries)
        for table in ("campaigns_delivery", "campaigns_measured", "consent_ledgerevent"):
            assert table not in said, (name, table)


# --- side by side ---------------------------------------------------------------------------------


def test_the_list_has_the_trend_oldest_first_and_pages_by_key() -> None:
    for number in range(27):
        counted(f"Issue {number:02}", days=number)
    client = browser()
    html = desk.read(client, "results-list")
    assert "The last 12 campaigns" in html
    trend, chosen = html.split('<form class="card"', 1)
    names = re.findall(r"Issue \d\d", trend)
    assert names == [f"Issue {number:02}" for number in range(15, 27)]
    assert re.findall(r"Issue \d\d", chosen) == [f"Issue {n:02}" for n in range(26, 1, -1)]
    (after,) = re.findall(r'href="(\?after=[^"]+)" rel="next"', chosen)
    second = client.get(reverse("results-list") + after).content.decode()
    assert re.findall(r"Issue \d\d", second) == ["Issue 01", "Issue 00"]
    assert 'rel="next"' not in second


def test_a_chart_has_its_values_in_the_table_beside_it() -> None:
    counted("One")
    counted("Two", figures(is_measured=False), days=1)
    html = desk.read(browser(), "results-list")
    table = html.split('id="trend-table"')[1].split("</table>")[0]
    assert re.findall(r'data-value="(\d*)"', table) == [
        "100",
        "10",
        "2",
        "500",
        "200",
        "100",
        "10",
        "2",
        "",
        "",
    ]


def test_without_a_campaign_the_list_says_what_to_expect() -> None:
    assert "No campaign has been launched yet" in desk.read(browser(), "results-list")


def test_campaigns_stand_side_by_side_with_their_intervals() -> None:
    one, two = counted("One"), counted("Two", figures(opened=6), days=1)
    url = reverse("results-compare")
    html = browser().get(url, {"campaign": [str(one), str(two)]}).content.decode()
    text = desk.plain(html)
    assert re.search(r"Figure Two One Launched", text)
    assert (
        "Opened, of those measured 10.0 % 4.7 % to 20.1 % 6 of 60 50.0 % 37.7 % to 62.3 %" in text
    )
    assert "Where two of these overlap, chance may have made the difference." in text
    assert desk.offences(html) == []


@pytest.mark.parametrize("many", [0, 1, 6])
def test_two_to_five_are_compared(many: int) -> None:
    chosen = [str(counted(f"Issue {number}", days=number)) for number in range(many)]
    answer = browser().get(
        reverse("results-compare"), {"campaign": [*chosen, "no-id", str(uuid4())]}, follow=True
    )
    assert "Choose two to five campaigns that have figures." in answer.content.decode()


# --- files ----------------------------------------------------------------------------------------


def _rows(client: Client, url: str, query: dict[str, list[str]] | None = None) -> list[list[str]]:
    answer = client.get(url, query or {})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_file_holds_the_figures_of_the_page_and_no_formula() -> None:
    name = '=HYPERLINK("http://evil.example")'
    campaign = counted(name)
    rows = _rows(browser(), reverse("campaign-results-file", args=[campaign]))
    assert ["Campaign", f"'{name}", ""] in rows
    for row in (
        ["Account", "Sent: the relay has them", "", "900", "1007"],
        ["Account", "Left out at the last moment", "The person withdrew their consent.", "7"],
        ["Main figures", "Bounced, of what was answered", "", "100", "1000", "0.1", "0.082909",
         "0.120152"],
        ["Refused and failed", "Bounced: The receiving server refused it for good.", "550 5.1.1",
         "60"],
        ["What came back", "Bounced for good Nobody has this address.", "5.1.1", "4"],
        ["Said no afterwards", "by the link of a message", "", "8"],
        ["Language", "French", "Opened", "20", "45", "0.444444", "0.309305", "0.588184"],
        ["Link", "https://shop.example/", "", "9", "60", "0.15", "0.08097", "0.261091"],
        ["Last opened on", "2026-11-24", "", "10"],
    ):  # fmt: skip
        assert row[:4] in [each[:4] for each in rows], row
        found = next(each for each in rows if each[:4] == row[:4])
        assert found[3:6] == row[3:6]
    for row in rows:
        assert not any(cell[:1] in "=+@\t\r\n" for cell in row if cell)


def test_the_comparison_is_a_file_too() -> None:
    one, two = counted("+One"), counted("Two", days=1)
    url = reverse("results-compare-file")
    rows = _rows(browser(), url, {"campaign": [str(one), str(two)]})
    assert rows[0][:3] == ["Campaign", "Launched", "Figure"]
    assert [row[0] for row in rows[1:]] == ["Two"] * 7 + ["'+One"] * 7
    assert rows[1][2:] == ["Audience", "1007"]


def test_without_figures_there_is_no_file() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    answer = browser().get(reverse("campaign-results-file", args=[campaign]), follow=True)
    assert "Try again in some seconds." in answer.content.decode()


@pytest.mark.parametrize("role", ["sales", "dpo", "communication"])
def test_readers_see_figures(role: str) -> None:
    assert "Results of November" in desk.read(browser(role), "campaign-results", counted())


def test_a_name_is_text_and_never_markup() -> None:
    counted("<script>1</script>")
    assert "<script>1" not in desk.read(browser(), "results-list")
