from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FormsIntakeConfig(AppConfig):
    name = "forms_intake"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.services import (
            register_choices,
            register_first_step,
            register_menu,
            register_notice_uses,
        )
        from forms_intake.pages import EDITORS, overview

        register_choices(fact="form", provider=overview.form_choices)
        register_notice_uses(source="forms", provider=overview.notice_uses)
        register_menu(url_name="form-list", label=_("Forms"), icon="forms", position=30)
        register_first_step(
            code="forms-first",
            label=_("Publish your first form"),
            text=_("Say what it asks, for what purpose, and put it on your site."),
            url_name="form-list",
            icon="forms",
            position=20,
            is_done=overview.is_first_form_published,
            roles=EDITORS,
        )
