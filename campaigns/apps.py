from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns.automations.occasions import follow_merge, hear
        from campaigns.courier import LetterCourier
        from campaigns.planning import agreement_words
        from consent.services import register_courier
        from privacy.services import RetentionClass, register_evidence

        register_courier(LetterCourier())
        register_evidence(
            table="campaigns_outgoingmessage",
            column="sealed",
            retention_class=RetentionClass.ACTIVITY,
        )
        from crm.services import register_listener, register_mover

        register_listener(hear)
        register_mover(follow_merge)
        agreement_words.register()
        _register_pages()
        _register_answers()
        _register_wishes()


def _register_pages() -> None:
    from campaigns import engagement
    from campaigns.pages import READERS, WRITERS, choices, home, proof, relay_pages
    from crm.services import (
        register_card,
        register_choices,
        register_figures,
        register_first_step,
        register_home_list,
        register_menu,
        register_proof_link,
    )

    register_choices(fact="campaign", provider=choices.campaign_choices)
    engagement.register()
    register_proof_link(kind="campaign_sent", address=proof.proof_address)

    register_menu(
        url_name="campaign-list", label=_("Campaigns"), icon="send", position=40, roles=READERS
    )
    register_menu(
        url_name="template-list", label=_("Templates"), icon="template", position=50, roles=READERS
    )
    _register_sequences()
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
    register_home_list(
        code="campaigns-needing",
        title=_("Campaigns that wait for you"),
        position=41,
        provider=home.needing,
        more_url_name="campaign-list",
        empty_text=_("None of your campaigns waits for you."),
        roles=WRITERS,
    )
    register_home_list(
        code="campaigns-agreeing",
        title=_("Campaigns to agree to"),
        position=42,
        provider=home.agreeing,
        more_url_name="campaign-list",
        empty_text=_("No large campaign waits for a second person."),
        roles=(*WRITERS, "dpo"),
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


def _register_answers() -> None:
    from campaigns.pages import home
    from campaigns.pages.replies import REPLIERS
    from campaigns.pages.reply_templates import READERS as REPLY_READERS
    from campaigns.single.reading import messages_of_lead
    from crm.services import (
        register_lead_action,
        register_lead_messages,
        register_menu,
        register_notice_kind,
    )

    register_lead_messages(provider=messages_of_lead)
    register_lead_action(
        url_name="lead-reply",
        label=_("Answer by e-mail"),
        icon="mail-forward",
        position=10,
        roles=REPLIERS,
    )
    register_notice_kind(
        kind="campaign_finished",
        label=_("A campaign is finished"),
        icon="send",
        address=home.campaign_address,
    )
    register_menu(
        url_name="transactional-list",
        label=_("Transactional"),
        icon="mail-forward",
        position=52,
        roles=REPLY_READERS,
    )
    register_menu(
        url_name="reply-template-list",
        label=_("Answers"),
        icon="mail-forward",
        position=51,
        roles=REPLY_READERS,
    )


def _register_sequences() -> None:
    from campaigns.automations.crowds import NOTICE_KIND
    from campaigns.automations.occasions import stop_by_reply
    from campaigns.automations.publishing import register_publisher
    from campaigns.automations.telling import KIND, tell_events
    from campaigns.pages import home
    from campaigns.pages.sequences import READERS, passages
    from campaigns.returns.replies import register_on_reply
    from crm.services import (
        register_contact_panel,
        register_event_kind,
        register_home_list,
        register_menu,
        register_notice_kind,
    )

    register_event_kind(kind=KIND, label=_("A step of a sequence"))
    register_notice_kind(
        kind=NOTICE_KIND,
        label=_("A sequence stopped: a crowd entered"),
        icon="alert-triangle",
        address=home.sequence_address,
    )
    register_publisher(tell_events)
    register_on_reply("sequences", stop_by_reply)
    register_menu(
        url_name="sequence-list", label=_("Sequences"), icon="affiliate", position=45, roles=READERS
    )
    register_contact_panel(
        code="sequences",
        template="campaigns/sequences/_panel.html",
        position=20,
        provider=passages.panel,
    )
    register_home_list(
        code="sequence-notices",
        title=_("Sequences ask you to look at"),
        position=15,
        provider=passages.home_list,
        more_url_name="sequence-list",
        empty_text=_("Nothing waits for you."),
        roles=READERS,
    )


def _register_wishes() -> None:
    from campaigns.pages import returns
    from campaigns.returns import waiting
    from crm.services import register_home_list, register_notice_kind

    register_home_list(
        code="returns-wishes",
        title=_("People who ask for something by mail"),
        position=14,
        provider=returns.wishes_at_home,
        more_url_name="return-list",
        empty_text=_("Nobody's wish waits to be read."),
        roles=returns.LOOKERS,
    )
    register_notice_kind(
        kind=waiting.WISH,
        label=_("Somebody asks for something by mail"),
        icon="mail",
        address=returns.list_address,
    )
    register_notice_kind(
        kind=waiting.OVERDUE,
        label=_("What came back has waited for twenty days"),
        icon="mail",
        address=returns.list_address,
    )
