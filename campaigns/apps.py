from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns.courier import LetterCourier
        from consent.services import register_courier

        register_courier(LetterCourier())
        _register_pages()


def _register_pages() -> None:
    from campaigns.pages import READERS, WRITERS, choices, home, proof, relay_pages
    from crm.services import (
        register_card,
        register_choices,
        register_figures,
        register_first_step,
        register_menu,
        register_proof_link,
    )

    register_choices(fact="campaign", provider=choices.campaign_choices)
    register_proof_link(kind="campaign_sent", address=proof.proof_address)

    register_menu(
        url_name="campaign-list", label=_("Campaigns"), icon="send", position=40, roles=READERS
    )
    register_menu(
        url_name="template-list", label=_("Templates"), icon="template", position=50, roles=READERS
    )
    register_menu(
        url_name="relay-list",
        label=_("Relays"),
        icon="server",
        position=105,
        roles=relay_pages.READERS,
    )
    register_card(
        code="campaigns-running",
        label=_("Campaigns being sent"),
        icon="send",
        position=40,
        provider=home.running,
        roles=READERS,
    )
    register_card(
        code="campaigns-last",
        label=_("People in the last campaign"),
        icon="mail-opened",
        position=41,
        provider=home.last,
        roles=READERS,
    )
    register_figures(
        code="campaigns", title=_("Campaigns being sent"), position=25, provider=home.numbers
    )
    register_first_step(
        code="campaigns-first",
        label=_("Write your first campaign"),
        text=_("Start from a template, look at the mail, see who would get it."),
        url_name="campaign-start",
        icon="pencil",
        position=40,
        is_done=home.is_first_campaign_written,
        roles=WRITERS,
    )
