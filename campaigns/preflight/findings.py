"""What was found before a launch, and how bad it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """From harmless to grave. `UNKNOWN` could not be looked at from here, and says why."""

    PASSED = "passed"
    WARNING = "warning"
    STOPS = "stops"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `code` names it, `detail` fills its words in; the words are
    made when the page is, in the language of whoever reads it (campaigns.pages.preflight)."""

    code: str
    verdict: Verdict
    detail: Mapping[str, str | int]

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Finding":
        return cls(
            code=str(stored["code"]),
            verdict=Verdict(stored["verdict"]),
            detail=dict(stored["detail"]),
        )


def passed(code: str, **detail: str | int) -> Finding:
    return Finding(code=code, verdict=Verdict.PASSED, detail=detail)


def warning(code: str, **detail: str | int) -> Finding:
    return Finding(code=code, verdict=Verdict.WARNING, detail=detail)


def stops(code: str, **detail: str | int) -> Finding:
    return Finding(code=code, verdict=Verdict.STOPS, detail=detail)


def unknown(code: str, **detail: str | int) -> Finding:
    return Finding(code=code, verdict=Verdict.UNKNOWN, detail=detail)
