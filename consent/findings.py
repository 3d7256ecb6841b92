"""What must be put right before the data protection officer can publish something."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class Finding:
    """One thing to put right: a code for programs, the field it stands beside, and words."""

    code: str
    field: str
    sentence: str | Promise


class CannotPublish(Exception):
    """It cannot be published as it is; `findings` say everything that is to be put right."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = list(findings)


class PurposeUnknown(Exception):
    """There is no such purpose."""


class NoDraft(Exception):
    """Nothing is being written: it was published or discarded meanwhile."""
