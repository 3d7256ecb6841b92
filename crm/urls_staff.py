"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from crm.accounts import enrolment, sign_in
from crm.pages import account, home, language

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("language", language.language, name="language"),
    path("sign-in", sign_in.username, name="sign-in"),
    path("sign-in/password", sign_in.password, name="sign-in-password"),
    path("sign-in/code", sign_in.code, name="sign-in-code"),
    path("sign-in/recovery-code", sign_in.recovery_code, name="sign-in-recovery-code"),
    path("sign-in/authenticator", enrolment.authenticator, name="sign-in-authenticator"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("account/", account.account, name="account"),
    path("account/password", account.change_password, name="change-password"),
    path("account/authenticator", account.replace_authenticator, name="replace-authenticator"),
    path("account/recovery-codes", account.renew_recovery_codes, name="renew-recovery-codes"),
]
