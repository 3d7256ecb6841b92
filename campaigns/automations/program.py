"""The order of the steps of a version: what comes behind what."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from campaigns.automations.definition import Definition, Step, read_definition
from campaigns.models import SequenceVersion


@dataclass(frozen=True)
class Line:
    """A step and the names of those behind it; empty is the end."""

    step: Step
    following: str
    yes: str = ""
    no: str = ""


@dataclass(frozen=True)
class Program:
    definition: Definition
    first: str
    lines: dict[str, Line]


def program(definition: Definition) -> Program:
    lines: dict[str, Line] = {}
    first = _lay(definition.steps, "", lines)
    return Program(definition, first, lines)


def _lay(steps: Sequence[Step], following: str, lines: dict[str, Line]) -> str:
    """Write the lines of a list, from its end; return the name of its first step."""
    for step in reversed(steps):
        yes = _lay(step.yes, following, lines) if step.kind == "condition" else ""
        no = _lay(step.no, following, lines) if step.kind == "condition" else ""
        lines[step.key] = Line(step, following, yes, no)
        following = step.key
    return following


@lru_cache(maxsize=256)
def program_of(version_id: UUID) -> Program:
    """The program of an activated version, which never changes; not for drafts."""
    held = SequenceVersion.objects.exclude(activated_at=None).get(id=version_id)
    return program(read_definition(held.definition))
