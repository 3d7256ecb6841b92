from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from consent.cards import confirmation_letter
        from consent.informing import information_letter, note_informed
        from consent.letters import CONFIRMATION, INFORMATION, register_letter
        from consent.merging import JOURNAL_KIND as MERGE
        from consent.merging import replay_merge
        from consent.refusal import JOURNAL_KIND, replay
        from privacy.services import register_replay

        register_replay(JOURNAL_KIND, replay)
        register_replay(MERGE, replay_merge)
        register_letter(CONFIRMATION, confirmation_letter)
        register_letter(INFORMATION, information_letter, note_informed)
