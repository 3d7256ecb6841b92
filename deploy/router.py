"""Which database a model lives in. One transaction never pretends to span two of them."""

from typing import Any

from django.apps import apps
from django.db.models import Model

CRM = "default"


def database_of(model: type[Model]) -> str:
    return getattr(model, "accord_database", CRM)


class TrustZoneRouter:
    """Routes by the model's `accord_database`; relations across databases are refused."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return database_of(model)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return database_of(model)

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return database_of(type(one)) == database_of(type(other))

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        if "database" in hints:  # RunSQL and RunPython name their database
            return bool(hints["database"] == db)
        if model_name is None:
            return db == CRM
        try:
            model = apps.get_model(app_label, model_name)
        except LookupError:  # a model since removed: it lived where its migration runs
            return db == CRM
        return database_of(model) == db
