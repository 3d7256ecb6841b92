"""Addresses of the pages of sequences."""

from django.urls import URLPattern, URLResolver, path

from campaigns.pages.sequences import editing, listing, passages, running

urlpatterns: list[URLPattern | URLResolver] = [
    path("sequences/", listing.sequence_list, name="sequence-list"),
    path("sequences/new", listing.sequence_new, name="sequence-new"),
    path("sequences/notices/<uuid:notice_id>", passages.sequence_notice, name="sequence-notice"),
    path(
        "sequences/passages/<uuid:enrolment_id>/stop", passages.passage_stop, name="passage-stop"
    ),
    path(
        "sequences/passages/<uuid:enrolment_id>/resume",
        passages.passage_resume,
        name="passage-resume",
    ),
    path(
        "sequences/contacts/<uuid:contact_id>/begin", passages.passage_begin, name="passage-begin"
    ),
    path("sequences/<uuid:sequence_id>/", running.sequence, name="sequence"),
    path("sequences/<uuid:sequence_id>/edit", editing.sequence_edit, name="sequence-edit"),
    path(
        "sequences/<uuid:sequence_id>/settings", editing.sequence_settings, name="sequence-settings"
    ),
    path("sequences/<uuid:sequence_id>/steps/add", editing.sequence_add, name="sequence-add"),
    path(
        "sequences/<uuid:sequence_id>/steps/<slug:key>/", editing.sequence_step,
        name="sequence-step",
    ),
    path(
        "sequences/<uuid:sequence_id>/steps/<slug:key>/remove", editing.sequence_remove,
        name="sequence-remove",
    ),
    path(
        "sequences/<uuid:sequence_id>/steps/<slug:key>/move", editing.sequence_move,
        name="sequence-move",
    ),
    path("sequences/<uuid:sequence_id>/discard", editing.sequence_discard, name="sequence-discard"),
    path(
        "sequences/<uuid:sequence_id>/activate", running.sequence_activate,
        name="sequence-activate",
    ),
    path("sequences/<uuid:sequence_id>/pause", running.sequence_pause, name="sequence-pause"),
    path("sequences/<uuid:sequence_id>/resume", running.sequence_resume, name="sequence-resume"),
    path("sequences/<uuid:sequence_id>/archive", running.sequence_archive, name="sequence-archive"),
    path("sequences/<uuid:sequence_id>/restore", running.sequence_restore, name="sequence-restore"),
    path("sequences/<uuid:sequence_id>/people", running.sequence_people, name="sequence-people"),
]  # fmt: skip
