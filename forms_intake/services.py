"""The door of forms. Other floors import from here and from nowhere else in `forms_intake`."""

from forms_intake.projection import project_forms, published_codes
from forms_intake.promotion import promote_waiting
from forms_intake.publishing import publish_version, reasons_against
from forms_intake.versions import (
    AlreadyPublished,
    FormDraft,
    FormExists,
    NoSuchForm,
    NotPublishable,
    PurposeChoice,
    Reason,
    create_form,
    rename_form,
    retire_form,
    save_version,
)

__all__ = [
    "AlreadyPublished",
    "FormDraft",
    "FormExists",
    "NoSuchForm",
    "NotPublishable",
    "PurposeChoice",
    "Reason",
    "create_form",
    "project_forms",
    "promote_waiting",
    "publish_version",
    "published_codes",
    "reasons_against",
    "rename_form",
    "retire_form",
    "save_version",
]
