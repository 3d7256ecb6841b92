from django.apps import AppConfig


class FormsIntakeConfig(AppConfig):
    name = "forms_intake"
    default_auto_field = "django.db.models.BigAutoField"
