from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.services import register_addresses, register_merged
        from crm import approval_kinds
        from crm.exports import asking
        from crm.merging import kept_ids
        from crm.officer import entrance
        from crm.officer.notice_menu import register as register_notices
        from crm.pages.home_cards import register
        from crm.people import reaches

        register()
        approval_kinds.register()
        asking.register()
        register_addresses(reaches)
        register_merged(kept_ids)
        register_notices()
        entrance.register()
