"""Names of what a step makes: the same however often the step is tried."""

from uuid import UUID, uuid5


def reference_of(enrolment_id: UUID, step: str) -> UUID:
    """The name of what one step does for one passage: of its mail, notice or event."""
    return uuid5(enrolment_id, step)
