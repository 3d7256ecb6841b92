from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.officer import entrance
        from crm.pages.home_cards import register

        register()
        entrance.register()
