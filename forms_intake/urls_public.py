"""Public pages of this app."""

from django.urls import URLPattern, URLResolver, path

from forms_intake.public import embedding, pages
from forms_intake.public.api import ChallengeView, FormView, SubmissionsView
from forms_intake.public.openapi import schema

urlpatterns: list[URLPattern | URLResolver] = [
    path("f/<slug:code>", pages.form, name="form-page"),
    path("f/<slug:code>/embed", embedding.snippet, name="form-embed"),
    path("f/<slug:code>/embed.html", embedding.code_to_copy, name="form-embed-code"),
    path("api/v1/forms/<slug:code>", FormView.as_view(), name="form-api"),
    path(
        "api/v1/forms/<slug:code>/submissions",
        SubmissionsView.as_view(),
        name="form-submissions",
    ),
    path("api/v1/forms/<slug:code>/challenge", ChallengeView.as_view(), name="form-challenge"),
    path("api/v1/openapi.json", schema, name="forms-openapi"),
]
