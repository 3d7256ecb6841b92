"""Figures of campaigns as CSV: aggregates as on the pages, and never a person."""

import csv
from collections.abc import Iterator, Sequence

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignResult
from campaigns.pages.labels import reason_lines
from campaigns.pages.results_words import (
    account_of,
    came_back,
    grounds,
    groups,
    main_shares,
    outcomes,
    refusals,
    variant_lines,
    ways_out,
)
from campaigns.results.figures import Figures
from campaigns.results.intervals import Share
from crm.services import as_text

# Excel takes a file without it for Windows-1252.
BOM = "\ufeff"
Cells = Sequence[str | int | float | Promise]


def _file(name: str, rows: Iterator[Cells]) -> HttpResponse:
    response = HttpResponse(BOM, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    for row in rows:
        # Numbers stay numbers; words are never a formula.
        writer.writerow(
            [cell if isinstance(cell, int | float) else as_text(str(cell)) for cell in row]
        )
    return response


def _share(share: Share | None) -> Cells:
    """Count, of how many, share and the ends of its interval, as numbers between 0 and 1."""
    if share is None or share.rate is None or share.interval is None:
        return ["", "", "", "", ""]
    low, high = share.interval
    return [share.events, share.people, round(share.rate, 6), round(low, 6), round(high, 6)]


def _head(*first: str) -> Cells:
    return [*first, _("Count"), _("Of"), _("Share"), _("Share, low"), _("Share, high")]


def results_file(campaign: Campaign, figures: Figures, row: CampaignResult) -> HttpResponse:
    return _file(f"results-{campaign.id}", _results(campaign, figures, row))


def _results(campaign: Campaign, figures: Figures, row: CampaignResult) -> Iterator[Cells]:
    account = account_of(campaign, figures)
    yield _head(_("Part"), _("Line"), _("Detail"))
    yield [_("Campaign"), campaign.name, ""]
    yield [_("Counted at"), row.counted_at.isoformat() if row.counted_at else "", ""]
    yield from (
        [_("Left out at the launch"), line.label, "", line.count]
        for line in reason_lines(account.exclusions)
    )
    for part in outcomes(figures, account):
        yield [_("Account"), part.label, "", part.count, account.audience]
        yield from ([_("Account"), part.label, line.label, line.count] for line in part.reasons)
    yield from ([_("Main figures"), line.label, "", *_share(line.share)] for line in
                main_shares(figures))  # fmt: skip
    yield from (
        (_("Refused and failed"), f"{each.state}: {each.why}", each.code, each.messages)
        for each in refusals(figures)
    )
    yield from (
        (_("What came back"), f"{each.kind} {each.why}".strip(), each.status, each.messages)
        for each in came_back(figures)
    )
    yield from ([_("Said no afterwards"), way, "", people] for way, people in ways_out(figures))
    yield from (
        [_("Rested on"), basis, f"{event} {way}", number]
        for basis, event, way, number in grounds(figures)
    )
    yield from _by_variant(figures)
    yield from _by_group(figures)


def _by_variant(figures: Figures) -> Iterator[Cells]:
    for line in variant_lines(figures):
        yield [_("Variant"), line.name, _("Sent"), line.sent]
        yield [_("Variant"), line.name, _("Bounced"), *_share(line.bounced.share)]
        yield [_("Variant"), line.name, _("Said no afterwards"), *_share(line.opted_out.share)]


def _by_group(figures: Figures) -> Iterator[Cells]:
    measured = figures.measured
    if measured is None:
        return
    for trait, lines in groups(measured):
        for line in lines:
            yield [trait, line.name, _("Opened"), *_share(line.opened.share)]
            yield [trait, line.name, _("Followed a link"), *_share(line.clicked.share)]
    for url, people in measured.links:
        yield [_("Link"), url, "", *_share(Share(people, measured.all.people))]
    for day, people in measured.opened_on:
        yield [_("Last opened on"), day.isoformat(), "", people]
    for day, people in measured.clicked_on:
        yield [_("Last followed a link on"), day.isoformat(), "", people]


def comparison_file(compared: Sequence[tuple[Campaign, Figures]]) -> HttpResponse:
    return _file("campaigns-compared", _comparison(compared))


def _comparison(compared: Sequence[tuple[Campaign, Figures]]) -> Iterator[Cells]:
    yield _head(_("Campaign"), _("Launched"), _("Figure"))
    for campaign, figures in compared:
        first = [campaign.name, campaign.launched_at.isoformat() if campaign.launched_at else ""]
        yield [*first, _("Audience"), figures.audience]
        yield [*first, _("Sent"), figures.messages("sent"), figures.audience]
        for line in main_shares(figures):
            yield [*first, line.label, *_share(line.share)]
