from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.cards import confirmation_letter
        from consent.informing import information_letter, note_informed
        from consent.letters import CONFIRMATION, INFORMATION, OPTED_OUT, register_letter
        from consent.merging import JOURNAL_KIND as MERGE
        from consent.merging import read_absorbed, replay_merge
        from consent.opted_out import opted_out_letter
        from consent.refusal import JOURNAL_KIND, replay
        from consent.suppression import rows_by_epoch
        from privacy.services import (
            register_erasure,
            register_evidence,
            register_fingerprint_use,
            register_replay,
        )

        register_replay(JOURNAL_KIND, replay)
        register_fingerprint_use(rows_by_epoch)
        register_replay(MERGE, replay_merge)
        register_erasure(MERGE, read_absorbed)
        register_evidence(table="consent_ledgerevent", column="evidence")
        register_letter(CONFIRMATION, confirmation_letter)
        register_letter(OPTED_OUT, opted_out_letter)
        register_letter(INFORMATION, information_letter, note_informed)
