"""A newsletter that anybody may read, without writing to anybody."""

from campaigns import services
from campaigns.content.compile import compile_content
from campaigns.models import Campaign, CompiledContent
from tests.campaigns.cast import clock


def left(campaign: Campaign) -> None:
    """The campaign as after its launch, without writing to anybody of the stage."""
    now = clock()
    mail = compile_content(
        mjml=campaign.mjml,
        subject=campaign.subject,
        preheader=campaign.preheader,
        language=campaign.language,
    )
    CompiledContent.objects.create(
        campaign=campaign,
        language=campaign.language,
        html=mail.html,
        text=mail.text,
        subject=mail.subject,
        compiled_at=now,
    )
    Campaign.objects.filter(id=campaign.id).update(state="finished", launched_at=now)
    services.mark_public(campaign_id=campaign.id, is_public=True, actor_id=None, now=now)
    services.publish_issues()
