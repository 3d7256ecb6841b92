from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.services import register_addresses, register_merged, register_told
        from crm import kinds_without_page, said_no
        from crm.accounts import officer_approval, officers, secrets_of_staff
        from crm.exports import agreement
        from crm.merging import kept_ids
        from crm.officer import entrance
        from crm.officer.notice_menu import register as register_notices
        from crm.pages import access_cards, lead_notices, system
        from crm.pages.home_cards import register
        from crm.people import addresses_in, reaches
        from privacy.services import (
            RetentionClass,
            register_address_reader,
            register_evidence,
            register_keys,
            register_officers,
        )

        register()
        kinds_without_page.register()
        agreement.register()
        officer_approval.register()
        register_addresses(reaches)
        register_address_reader(addresses_in)
        register_merged(kept_ids)
        register_told(said_no.follow)
        register_evidence(
            table="crm_leadnote", column="sealed", retention_class=RetentionClass.ACTIVITY
        )
        lead_notices.register()
        register_notices()
        register_officers(officers.recognise)
        register_keys(secrets_of_staff.records)
        entrance.register()
        access_cards.register()
        system.register()
