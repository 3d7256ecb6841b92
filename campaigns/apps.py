from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns.courier import LetterCourier
        from consent.services import register_courier

        register_courier(LetterCourier())
