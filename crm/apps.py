from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.officer.notice_menu import register as register_notices
        from crm.pages.home_cards import register

        register()
        register_notices()
