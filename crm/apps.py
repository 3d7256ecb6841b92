from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.services import register_addresses
        from crm.officer import entrance
        from crm.officer.notice_menu import register as register_notices
        from crm.pages.home_cards import register
        from crm.people import reaches

        register()
        register_addresses(reaches)
        register_notices()
        entrance.register()
