"""Makes an installation from a shape: an empty one is filled with people who do not exist."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections, transaction

from consent import services as consent
from consent.services import Basis, Step
from crm import services as crm
from deploy.anonymised.drawing import draw, facets, later, moment, person
from deploy.anonymised.measuring import CELL_MIN, VERSION, Shape
from deploy.demo import words
from forms_intake import services as forms_intake

BATCH = 1_000
_SQL = Path(__file__).parent / "sql" / "making"
T = TypeVar("T")
Progress = Callable[[str, int], None]


class NotEmpty(Exception):
    """This installation has contacts: the copy goes into a new one."""


class OtherShape(ValueError):
    """The file is not a shape that this version can read."""


@dataclass(frozen=True)
class Volume:
    """How many rows a table had, and has in the copy."""

    table: str
    original: int
    copy: int

    @property
    def is_alike(self) -> bool:
        """Within a hundredth, or ten rows: small cells were joined to bigger ones.

        A few rows of many kinds may be none at all in the copy: no cell was big enough to cross.
        """
        if self.copy == 0 and self.original < CELL_MIN * CELL_MIN:
            return True
        return abs(self.original - self.copy) <= max(CELL_MIN, self.original // 100)


def make(
    *, shape: Shape, now: datetime, progress: Progress = lambda _what, _n: None
) -> list[Volume]:
    """Fill an empty installation and return what came out, table by table.

    Raises OtherShape, and NotEmpty: a second call changes nothing. Memory holds the cells and a
    thousand people.
    """
    if shape.get("version") != VERSION:
        raise OtherShape(OtherShape.__doc__)
    if _one("SELECT count(*) FROM (SELECT FROM crm_contact LIMIT 1) AS any_one"):
        raise NotEmpty(NotEmpty.__doc__)
    forms = _begin(shape, now)
    _people(shape, forms[0], now, progress)
    _fill_tables(shape, forms, now, progress)
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE")
    return [
        Volume(table, count, _one(f'SELECT count(*) FROM "{table}"'))  # noqa: S608  # our own names
        for table, count in shape["volumes"].items()
    ]


# --- what there must be before anybody comes -------------------------------------------------


def _begin(shape: Shape, now: datetime) -> list[str]:
    """The notice, the forms and the accounts; returns the codes of the forms."""
    consent.seed_purposes(now=now)
    notice = {"fr": "Avis de la copie anonymisée.", "en": "Notice of the anonymised copy."}
    version = consent.publish_notice(code=words.NOTICE_CODE, texts=notice, now=now)
    (_name, draft), *_others = words.forms(notice_version=version).values()
    ranks = {rank for (rank, _state, _message), _count in shape["leads"]} or {1}
    codes = [f"form-{rank}" for rank in sorted(ranks)]
    for code in codes:
        number = forms_intake.create_form(code=code, name=code, draft=draft, now=now)
        forms_intake.publish_version(version_id=number, now=now)
    roles = list(crm.Role.values)
    with transaction.atomic():
        for place in range(shape["volumes"]["crm_account"]):
            role = roles[place] if place < len(roles) else "marketing"
            crm.create_account(username=f"{role}-{place + 1}", role=role, now=now)
    return codes


# --- people ----------------------------------------------------------------------------------


def _people(shape: Shape, form: str, now: datetime, progress: Progress) -> None:
    count = shape["volumes"]["crm_contact"]
    drawn = zip(
        draw(shape["people"], count),
        draw(shape["reach"], count),
        draw(shape["sources"], count),
        draw(shape["came"], count),
        draw(shape["acted"], count),
        strict=True,
    )
    histories = _histories(shape, count)
    numbered = enumerate(drawn)
    while batch := list(islice(numbered, BATCH)):
        _some_people(batch, histories, form, now)
        progress("people", batch[-1][0] + 1)


def _some_people(batch: list[Any], histories: Iterator[Any], form: str, now: datetime) -> None:
    people = [
        (
            person(number, language=who[0], has_phone=reach[1]),
            facets(who, source[0], came[0], acted[0], now=now),
        )
        for number, (who, reach, source, came, acted) in batch
    ]
    ids = crm.receive_many(people=people, now=now)
    _set_reach(ids, [reach for _number, (_who, reach, *_rest) in batch], now)
    told = [
        (subject, _steps(next(histories), each["created_at"], now))
        for subject, (_person, each) in zip(ids, people, strict=True)
    ]
    consent.write_histories(histories=told, notice_code=words.NOTICE_CODE, form_code=form)


def _histories(shape: Shape, contacts: int) -> Iterator[Any]:
    """Yield one history a contact; none for those whom the ledger does not know."""
    told = sum(count for _key, count in shape["histories"])
    nobody = [[[[]], max(0, contacts - told)]]
    yield from draw([*shape["histories"], *nobody], contacts)


def _steps(history: Any, since: datetime, now: datetime) -> list[Step]:
    steps, at = [], since
    for words_of_step in history[0]:
        purpose, channel, basis, state, event_type, method, by, language = words_of_step
        is_interest = basis == Basis.LEGITIMATE_INTEREST
        if is_interest and consent.current_assessment(purpose_code=purpose) is None:
            continue  # an interest that the company assessed for a purpose of its own
        steps.append(Step(purpose, channel, basis, state, event_type, method, by, language, at))
        at = later(at, now=now)
    return steps


def _set_reach(ids: list[UUID], reach: list[Any], now: datetime) -> None:
    values = [json.dumps(dict(zip(_REACH, each, strict=True))) for each in reach]
    _run("reach", {"ids": ids, "reach": values, "now": now})


_REACH = ("is_professional", "has_phone", "has_organisation", "is_restricted", "is_unreachable")


# --- the tables that hang on them ------------------------------------------------------------


def _fill_tables(shape: Shape, forms: list[str], now: datetime, progress: Progress) -> None:
    fillings: dict[str, Callable[[], None]] = {
        "tags": lambda: _tags(shape, now),
        "leads": lambda: _leads(shape, forms, now),
        "campaigns": lambda: _campaigns(shape, now),
        "letters": lambda: _by_cell("letters", shape["letters"], now),
        "suppressions": lambda: _by_cell("suppressions", shape["suppressions"], now),
        "timelines": lambda: _by_cell("entries", shape["entries"], now),
        "wishes": lambda: _by_cell("wishes", shape["wishes"], now),
        "organisations": lambda: _organisations(shape, now),
        "cards": lambda: _run("cards", {"n": _volume(shape, "consent_subjectcard"), "now": now}),
    }
    for what, fill in fillings.items():
        with transaction.atomic():
            fill()
        progress(what, 1)


def _volume(shape: Shape, table: str) -> int:
    return int(shape["volumes"][table])


def _tags(shape: Shape, now: datetime) -> None:
    for (rank,), count in shape["tags"]:
        _run("tag", {"slug": f"tag-{rank}", "n": count, "now": now})


def _leads(shape: Shape, forms: list[str], now: datetime) -> None:
    """Leads come to contacts as often as the original's do; their forms and states are drawn."""
    _run("leads_begin", {})
    for (each,), contacts in shape["leads_each"]:
        _run("leads_of_some", {"n": contacts, "each": each})
    for (rank, state, has_message), count in shape["leads"]:
        form = f"form-{rank}" if f"form-{rank}" in forms else forms[0]
        _run(
            "leads", {"n": count, "form": form, "state": state, "message": has_message, "now": now}
        )
    _run("leads_end", {})


def _campaigns(shape: Shape, now: datetime) -> None:
    for number, one in enumerate(shape["campaigns"], start=1):
        at = moment(one["months"], now=now)
        campaign = {"name": f"Campaign {number}", "purpose": one["purpose"], "at": at}
        _run("campaign", campaign | {"launched": bool(one["cells"])})
        for (state, reason), count in one["cells"]:
            _run("deliveries", {**campaign, "state": state, "reason": reason, "n": count})
        _run("campaign_sent", campaign)


def _organisations(shape: Shape, now: datetime) -> None:
    for (country,), count in shape["organisations"]:
        _run("organisations", {"country": country, "n": count, "now": now})
    _run("members", {})


def _by_cell(name: str, cells: Any, now: datetime) -> None:
    for number, (key, count) in enumerate(cells):
        named = {f"k{place}": value for place, value in enumerate(key)}
        _run(name, {**named, "n": count, "now": now, "cell": number})


def _run(name: str, values: Mapping[str, Any]) -> None:
    statement = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    with connections["default"].cursor() as cursor:
        for part in filter(str.strip, statement.split(";\n")):
            cursor.execute(part, values)


def _one(statement: str) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
