"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from forms_intake.pages import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("forms/", views.form_list, name="form-list"),
    path("forms/new", views.form_new, name="form-new"),
    path("forms/<slug:code>/", views.form_detail, name="form"),
    path("forms/<slug:code>/edit", views.form_edit, name="form-edit"),
    path("forms/<slug:code>/retire", views.form_retire, name="form-retire"),
    path("forms/<slug:code>/<uuid:version_id>/publish", views.form_publish, name="form-publish"),
    path("forms/<slug:code>/<uuid:version_id>/preview", views.form_preview, name="form-preview"),
]
