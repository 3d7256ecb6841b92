"""What is wrong with a template, and where."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to put right. Line and column count from 1; 0 means the whole template."""

    line: int
    column: int
    code: str
    message: str


class BrokenTemplate(Exception):
    """The template cannot be sent; ``findings`` say what to put right."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = tuple(sorted(findings))


class MissingOptOutLink(BrokenTemplate):
    """Nobody may be sent a message they cannot stop (CPCE L34-5, RFC 8058)."""


def position(source: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    line = source.count("\n", 0, offset) + 1
    return line, offset - source.rfind("\n", 0, offset)
