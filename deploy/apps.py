from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


class DeployConfig(AppConfig):
    name = "deploy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Tasks find their broker through the application: without it, a bell rung by a page or a
        # command would look for RabbitMQ on this machine.
        if settings.DEBUG:
            raise ImproperlyConfigured("DEBUG shows people's data in error pages: it stays off.")
        from deploy import celery  # noqa: F401
        from deploy.classification import unclassified

        checks.register(unclassified)
