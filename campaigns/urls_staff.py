"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from campaigns.pages import (
    api_messages,
    block_acts,
    block_pages,
    brand_pages,
    comparing,
    image_pages,
    later_rounds,
    launching,
    listing,
    persons,
    planning,
    preflight,
    previews,
    proof,
    relay_pages,
    replies,
    reply_templates,
    results,
    results_compare,
    returns,
    running,
    template_pages,
    transactional,
    version_pages,
    visual,
    writing,
)
from campaigns.pages.sequences.urls import urlpatterns as sequence_patterns

# The words of a campaign in one variant and one language.
_WORDS = "campaigns/<uuid:campaign_id>/words/<int:variant>/<str:language>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns/", listing.campaign_list, name="campaign-list"),
    path("campaigns/start", writing.campaign_start, name="campaign-start"),
    path("campaigns/new", writing.campaign_new, name="campaign-new"),
    path("campaigns/audience", previews.audience, name="campaign-audience"),
    path("campaigns/results/", results_compare.results_list, name="results-list"),
    path("campaigns/results/compare", results_compare.results_compare, name="results-compare"),
    path(
        "campaigns/results/compare.csv", results_compare.results_compare_file,
        name="results-compare-file",
    ),
    path("campaigns/<uuid:campaign_id>/", running.campaign, name="campaign"),
    path(
        "campaigns/<uuid:campaign_id>/results", results.campaign_results, name="campaign-results"
    ),
    path(
        "campaigns/<uuid:campaign_id>/results.csv", results.campaign_results_file,
        name="campaign-results-file",
    ),
    path(
        "campaigns/<uuid:campaign_id>/recount", results.campaign_recount, name="campaign-recount"
    ),
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
    path(
        "campaigns/<uuid:campaign_id>/schedule", planning.campaign_schedule,
        name="campaign-schedule",
    ),
    path(
        "campaigns/<uuid:campaign_id>/unschedule", planning.campaign_unschedule,
        name="campaign-unschedule",
    ),
    path("campaigns/<uuid:campaign_id>/ask", planning.campaign_ask, name="campaign-ask"),
    path("campaigns/<uuid:campaign_id>/agree", planning.campaign_agree, name="campaign-agree"),
    path(
        "campaigns/<uuid:campaign_id>/compare", comparing.campaign_compare, name="campaign-compare"
    ),
    path("campaigns/<uuid:campaign_id>/choose", comparing.campaign_choose, name="campaign-choose"),
    path(
        "campaigns/<uuid:campaign_id>/missing", later_rounds.campaign_missing,
        name="campaign-missing",
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
    path(
        "campaigns/<uuid:campaign_id>/preflight", preflight.preflight_fragment,
        name="campaign-preflight",
    ),
    path(
        "campaigns/<uuid:campaign_id>/preflight/ask", preflight.preflight_ask,
        name="campaign-preflight-ask",
    ),
    path("templates/images/", image_pages.image_list, name="image-list"),
    path("templates/images/new", image_pages.image_new, name="image-new"),
    path("templates/images/choice", image_pages.image_choice, name="image-choice"),
    path("templates/images/<uuid:image_id>/", image_pages.image_page, name="image"),
    path("templates/images/<uuid:image_id>/file", image_pages.image_file, name="image-file"),
    path(
        "templates/images/<uuid:image_id>/archive", image_pages.image_archive, name="image-archive"
    ),
    path(
        "templates/images/<uuid:image_id>/restore", image_pages.image_restore, name="image-restore"
    ),
    path("templates/brands/", brand_pages.brand_list, name="brand-list"),
    path("templates/brands/new", brand_pages.brand_new, name="brand-new"),
    path("templates/brands/<uuid:brand_id>/", brand_pages.brand_edit, name="brand-edit"),
    path("templates/brands/<uuid:brand_id>/act", brand_pages.brand_act, name="brand-act"),
    path(
        "templates/brands/<uuid:brand_id>/preview", brand_pages.brand_preview, name="brand-preview"
    ),
    path("templates/blocks/", block_pages.block_list, name="block-list"),
    path("templates/blocks/new", block_pages.block_new, name="block-new"),
    path("templates/blocks/<uuid:block_id>/", block_pages.block_edit, name="block-edit"),
    path(
        "templates/blocks/<uuid:block_id>/preview", block_pages.block_preview, name="block-preview"
    ),
    path(
        "templates/blocks/<uuid:block_id>/archive", block_pages.block_archive, name="block-archive"
    ),
    path(
        "templates/blocks/<uuid:block_id>/restore", block_pages.block_restore, name="block-restore"
    ),
    path("relays/", relay_pages.relay_list, name="relay-list"),
    path("relays/<slug:code>/pause", relay_pages.relay_pause, name="relay-pause"),
    path("relays/<slug:code>/resume", relay_pages.relay_resume, name="relay-resume"),
    path("relays/<slug:code>/edit", relay_pages.relay_edit, name="relay-edit"),
    path(
        "relays/services/<slug:service>", relay_pages.mail_service_edit, name="mail-service-edit"
    ),
    path("returns/", returns.return_list, name="return-list"),
    path("returns/<uuid:return_id>/", returns.return_page, name="return"),
    path("returns/<uuid:return_id>/looked", returns.return_looked, name="return-looked"),
    path(
        "campaigns/<uuid:campaign_id>/versions", version_pages.campaign_versions,
        name="campaign-versions",
    ),
    path(f"{_WORDS}edit", version_pages.version_edit, name="version-edit"),
    path(f"{_WORDS}save", version_pages.words_autosave, name="words-autosave"),
    path(f"{_WORDS}copy", version_pages.words_copy, name="words-copy"),
    path(f"{_WORDS}states", version_pages.words_history, name="words-history"),
    path(f"{_WORDS}restore", version_pages.words_restore, name="words-restore"),
    path(f"{_WORDS}code", version_pages.words_to_code, name="words-to-code"),
    path(f"{_WORDS}visual", visual.words_visual, name="words-visual"),
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
    path("templates/mail-blocks", block_acts.mail_blocks, name="mail-blocks"),
    path("templates/persons", persons.mail_persons, name="mail-persons"),
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
    *sequence_patterns,
]  # fmt: skip
