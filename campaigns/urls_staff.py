"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from campaigns.pages import (
    api_messages,
    launching,
    listing,
    previews,
    proof,
    replies,
    reply_templates,
    running,
    template_pages,
    transactional,
    writing,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns/", listing.campaign_list, name="campaign-list"),
    path("campaigns/start", writing.campaign_start, name="campaign-start"),
    path("campaigns/new", writing.campaign_new, name="campaign-new"),
    path("campaigns/audience", previews.audience, name="campaign-audience"),
    path("campaigns/<uuid:campaign_id>/", running.campaign, name="campaign"),
    path("campaigns/<uuid:campaign_id>/edit", writing.campaign_edit, name="campaign-edit"),
    path("campaigns/<uuid:campaign_id>/copy", writing.campaign_copy, name="campaign-copy"),
    path("campaigns/<uuid:campaign_id>/test", launching.campaign_test, name="campaign-test"),
    path("campaigns/<uuid:campaign_id>/launch", launching.campaign_launch, name="campaign-launch"),
    path(
        "campaigns/<uuid:campaign_id>/preview", previews.campaign_preview, name="campaign-preview"
    ),
    path(
        "campaigns/<uuid:campaign_id>/progress", running.campaign_progress, name="campaign-progress"
    ),
    path("campaigns/<uuid:campaign_id>/pause", running.campaign_pause, name="campaign-pause"),
    path("campaigns/<uuid:campaign_id>/resume", running.campaign_resume, name="campaign-resume"),
    path("campaigns/<uuid:campaign_id>/public", running.campaign_public, name="campaign-public"),
    path("campaigns/<uuid:campaign_id>/cancel", running.campaign_cancel, name="campaign-cancel"),
    path(
        "campaigns/<uuid:campaign_id>/proof/<uuid:contact_id>", proof.campaign_proof,
        name="campaign-proof",
    ),
    path(
        "api/v1/campaigns/<uuid:campaign_id>/messages/<uuid:contact_id>/proof",
        proof.api_campaign_proof,
        name="api-campaign-proof",
    ),
    path("leads/<uuid:lead_id>/reply", replies.lead_reply, name="lead-reply"),
    path("replies/", reply_templates.reply_template_list, name="reply-template-list"),
    path("replies/new", reply_templates.reply_template_new, name="reply-template-new"),
    path(
        "replies/<uuid:template_id>/", reply_templates.reply_template_edit,
        name="reply-template-edit",
    ),
    path(
        "replies/<uuid:template_id>/archive", reply_templates.reply_template_archive,
        name="reply-template-archive",
    ),
    path(
        "replies/<uuid:template_id>/restore", reply_templates.reply_template_restore,
        name="reply-template-restore",
    ),
    path("api/v1/messages", api_messages.api_messages, name="api-messages"),
    path("api/v1/messages/<uuid:message_id>", api_messages.api_message, name="api-message"),
    path("transactional/", transactional.transactional_list, name="transactional-list"),
    path("transactional/new", transactional.transactional_new, name="transactional-new"),
    path(
        "transactional/<uuid:template_id>/", transactional.transactional_edit,
        name="transactional-edit",
    ),
    path(
        "transactional/<uuid:template_id>/archive", transactional.transactional_archive,
        name="transactional-archive",
    ),
    path(
        "transactional/<uuid:template_id>/restore", transactional.transactional_restore,
        name="transactional-restore",
    ),
    path("templates/", template_pages.template_list, name="template-list"),
    path("templates/new", template_pages.template_new, name="template-new"),
    path("templates/preview", previews.mail_preview, name="mail-preview"),
    path("templates/findings", previews.mail_findings, name="mail-findings"),
    path("templates/starters/<str:key>", previews.starter_preview, name="starter-preview"),
    path("templates/<uuid:template_id>/", template_pages.template_edit, name="template-edit"),
    path(
        "templates/<uuid:template_id>/preview", previews.template_preview, name="template-preview"
    ),
    path(
        "templates/<uuid:template_id>/archive", template_pages.template_archive,
        name="template-archive",
    ),
    path(
        "templates/<uuid:template_id>/restore", template_pages.template_restore,
        name="template-restore",
    ),
]  # fmt: skip
