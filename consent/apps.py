from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.cards import confirmation_letter
        from consent.letters import CONFIRMATION, OPTED_OUT, register_letter
        from consent.opted_out import opted_out_letter
        from consent.refusal import JOURNAL_KIND, replay
        from consent.suppression import rows_by_epoch
        from privacy.services import register_fingerprint_use, register_replay

        register_replay(JOURNAL_KIND, replay)
        register_fingerprint_use(rows_by_epoch)
        register_letter(CONFIRMATION, confirmation_letter)
        register_letter(OPTED_OUT, opted_out_letter)
