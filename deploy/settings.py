"""One settings module for every process; ACCORD_PROCESS selects addresses, databases and keys."""

import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from deploy.bells import SCHEDULE
from deploy.environment import choice, flag, integer, listing, text, web_address
from deploy.installation import BASE_DIR, HOME, ORGANISATION_NAME, PROCESS, USES_KEYS
from deploy.installation import DPO_ADDRESS as DPO_ADDRESS
from deploy.installation import ORGANISATION_ADDRESS as ORGANISATION_ADDRESS
from deploy.mail_settings import *  # noqa: F403 -- the settings of mail, under their own names

SECRET_KEY = text("ACCORD_SECRET_KEY")
DEBUG = False
PUBLIC_URL = text("ACCORD_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
STAFF_URL = text("ACCORD_STAFF_URL", "http://127.0.0.1:8001").rstrip("/")
ALLOWED_HOSTS = listing("ACCORD_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [STAFF_URL]
STAFF_NETWORKS = [ipaddress.ip_network(n) for n in listing("ACCORD_STAFF_NETWORKS", "127.0.0.1/32")]
STAFF_PROXIES = [ipaddress.ip_network(n) for n in listing("ACCORD_STAFF_PROXIES")]
PUBLIC_PROXIES = [ipaddress.ip_network(n) for n in listing("ACCORD_PUBLIC_PROXIES")]
# Networks that a webhook may call although they are not public, and without TLS: none by default.
WEBHOOK_NETWORKS = [ipaddress.ip_network(n) for n in listing("ACCORD_WEBHOOK_NETWORKS")]

# Keys, the privacy journal, the public side's own journal and the ledger's signed heads: outside
# the databases.
KEYS_DIR = Path(text("ACCORD_KEYS_DIR", str(HOME / "keys")))
JOURNAL_DIR = Path(text("ACCORD_JOURNAL_DIR", str(HOME / "journal")))
INTAKE_JOURNAL_DIR = Path(text("ACCORD_INTAKE_JOURNAL_DIR", str(HOME / "intake-journal")))
ANCHOR_DIR = Path(text("ACCORD_ANCHOR_DIR", str(HOME / "anchor")))

# What wraps the keys of the ring (docs/key-providers.md). Who holds no key is not given the token
# either.
KEY_PROVIDER = choice("ACCORD_KEY_PROVIDER", "local", {"local", "transit"})
_NEEDS_SERVER = KEY_PROVIDER == "transit" and USES_KEYS
# Where nothing is required, a server may be named for `keys move`.
TRANSIT_URL = web_address("ACCORD_TRANSIT_URL", required=_NEEDS_SERVER)
TRANSIT_TOKEN = text("ACCORD_TRANSIT_TOKEN", *([] if _NEEDS_SERVER else [""])) if USES_KEYS else ""
# A process that the server refuses looks there for a newer one.
TRANSIT_TOKEN_FILE = text("ACCORD_TRANSIT_TOKEN_FILE", "") if USES_KEYS else ""
TRANSIT_MOUNT = text("ACCORD_TRANSIT_MOUNT", "transit")
TRANSIT_NAMESPACE = text("ACCORD_TRANSIT_NAMESPACE", "")
TRANSIT_CA = text("ACCORD_TRANSIT_CA", "")
# Where the search process answers; empty: below the home, or the temporary folder if that is long.
SEARCH_SOCKET = text("ACCORD_SEARCH_SOCKET", "")
# The system group of the staff process, where that is another user than the search process.
SEARCH_GROUP = text("ACCORD_SEARCH_GROUP", "")
SEARCH_LOCK = flag("ACCORD_SEARCH_LOCK", False)

# --- Databases: a process has only the ones it was given -------------------------------------


def _database(name: str) -> dict[str, Any]:
    dsn = text(name, "")
    if not dsn:  # any use then raises ImproperlyConfigured: the closed door is the point
        return {"ENGINE": "django.db.backends.dummy"}
    parts = conninfo_to_dict(dsn)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 600,
        # The public side tries once more on a new connection instead (privacy.on_intake).
        "CONN_HEALTH_CHECKS": PROCESS not in {"public", "returns"},
        "OPTIONS": {"application_name": f"accord-{PROCESS}", **parts},
    }


DATABASES = {
    "default": _database("ACCORD_CRM_DSN"),
    "vault": _database("ACCORD_VAULT_DSN"),
    "intake": _database("ACCORD_INTAKE_DSN"),
}
DATABASE_ROUTERS = ["deploy.router.TrustZoneRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Applications ----------------------------------------------------------------------------

INSTALLED_APPS = [
    "deploy",
    "campaigns",
    "forms_intake",
    "crm",
    "consent",
    "privacy",
    "rest_framework",
    "drf_spectacular",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_otp_webauthn",
    "axes",
    "csp",
    "django_htmx",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]

_COMMON_MIDDLEWARE = [
    "deploy.permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Says to old browsers what frame-ancestors says to the others.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PUBLIC_MIDDLEWARE = [
    *_COMMON_MIDDLEWARE,
    "consent.public_language.PublicLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
]
STAFF_MIDDLEWARE = [
    "crm.networks.AllowedNetworksMiddleware",
    *_COMMON_MIDDLEWARE,
    "crm.no_store.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "crm.accounts.sessions.SessionLimitsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
MIDDLEWARE = PUBLIC_MIDDLEWARE if PROCESS == "public" else STAFF_MIDDLEWARE
ROOT_URLCONF = "deploy.urls_public" if PROCESS == "public" else "deploy.urls_staff"
WSGI_APPLICATION = "deploy.wsgi.application"

_STAFF_CONTEXT = [
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "consent.public_context.organisation",
                *([] if PROCESS == "public" else _STAFF_CONTEXT),
            ]
        },
    }
]

# --- People, sessions ------------------------------------------------------------------------

AUTH_USER_MODEL = "crm.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "crm.accounts.backend.StaffBackend",
]
PASSWORD_HASHERS = [
    # Argon2id with 100 MiB, 2 passes, 8 lanes; OWASP's least is 19 MiB, 2, 1.
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # CNIL deliberation 2022-100, case 2 (attempts are limited): 50 bits. We ask for more: fourteen
    # characters whatever they are, and 60 bits by what really varies in it.
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 14},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "crm.accounts.passwords.VariedPassword"},
    {"NAME": "crm.accounts.passwords.NotOurName"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
IS_HTTPS = STAFF_URL.startswith("https://")
# A browser takes a __Host- cookie from this host over TLS alone (RFC 6265bis section 4.1.3.2).
_COOKIE_PREFIX = "__Host-" if IS_HTTPS else ""
SESSION_ENGINE = "crm.accounts.session_store"
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}accord_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}accord_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
KNOWN_BROWSER_COOKIE_NAME = f"{_COOKIE_PREFIX}accord_known"
CSRF_FAILURE_VIEW = "crm.pages.errors.csrf_failure"
SESSION_COOKIE_AGE = integer("ACCORD_SESSION_SECONDS", 12 * 3600)
# How many people one person may export alone (ASVS 5.0 2.3.5).
# How many refused tokens of the staff API one network may bring within a quarter of an hour.
TOKEN_REFUSALS = integer("ACCORD_TOKEN_REFUSALS", 30)
EXPORT_ALONE_MAX = integer("ACCORD_EXPORT_ALONE_MAX", 100)
# To how many people one person may send a campaign alone.
CAMPAIGN_APPROVAL_SIZE = integer("ACCORD_CAMPAIGN_APPROVAL_SIZE", 1000)

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_RESET_ON_SUCCESS = True
# The page says until when: attempts during the lock do not prolong it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "crm.accounts.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "crm.accounts.lockout.locked_out"
# People type their address, or their password, into the field of the username.
AXES_USERNAME_CALLABLE = "crm.accounts.lockout.name_of_attempt"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "code", "password"]
AXES_VERBOSE = False

# Passkeys belong to the host name of the staff side: docs/decisions, 2026-11-24.
OTP_WEBAUTHN_RP_ID = urlsplit(STAFF_URL).hostname or ""
OTP_WEBAUTHN_RP_NAME = f"Accord, {ORGANISATION_NAME}"
OTP_WEBAUTHN_ALLOWED_ORIGINS = [STAFF_URL]
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
OTP_WEBAUTHN_HELPER_CLASS = "crm.accounts.passkeys.Ceremony"
OTP_WEBAUTHN_EXCEPTION_LOGGER_NAME = ""
# No browser has a passkey for an IP address: there none is offered, which is no error.
SILENCED_SYSTEM_CHECKS = ["otp_webauthn.E031"]

# --- Answers: nothing from outside, nothing inline -------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
# With "no-referrer" a browser sends "Origin: null" with every form, which the CSRF check refuses.
SECURE_REFERRER_POLICY = "no-referrer" if PROCESS == "public" else "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A year, as ASVS 5.0 3.4.1 asks; Django sends it with what came by https only.
_OWN_URL = PUBLIC_URL if PROCESS == "public" else STAFF_URL
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _OWN_URL.startswith("https://") else 0
X_FRAME_OPTIONS = "DENY"
# A sealed submission is at most 16 KiB; staff uploads come with their own limits.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 if PROCESS == "public" else 2 * 1024 * 1024
# A mail of sixty blocks has some thousand fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200 if PROCESS == "public" else 2000
# What staff upload is held in memory until it is sealed: it never reaches a disk in clear. A file
# that is larger is not taken at all.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
WHITENOISE_USE_FINDERS = flag("ACCORD_STATIC_FINDERS", True)
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
FORMAT_MODULE_PATH = "deploy.formats"
LANGUAGE_COOKIE_NAME = "accord_language"
LOCALE_PATHS = [BASE_DIR / "deploy" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"

# --- The web API -----------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Accord public API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- Forms: how much may be posted in a minute, from one network (/24, /48) and to one form -----

# An office, a school or a fair shares one network.
FORMS_PER_NETWORK = integer("ACCORD_FORMS_PER_NETWORK", 60)
FORMS_PER_FORM = integer("ACCORD_FORMS_PER_FORM", 1200)
# How long the public process goes by what it has read of a form or of the sealing key.
INTAKE_MEMORY_SECONDS = integer("ACCORD_INTAKE_MEMORY_SECONDS", 1)

# --- Readings: how many people one account may read (privacy/meter.py) ------------------------

READS_OPENED_HOUR = integer("ACCORD_READS_OPENED_HOUR", 300)
READS_OPENED_DAY = integer("ACCORD_READS_OPENED_DAY", 1000)
READS_LISTED_HOUR = integer("ACCORD_READS_LISTED_HOUR", 5000)
READS_LISTED_DAY = integer("ACCORD_READS_LISTED_DAY", 20000)
# How many times as many once two people agreed to more for one account and one day.
READS_GRANTED_FACTOR = integer("ACCORD_READS_GRANTED_FACTOR", 4)
# A ticket of customer service that nobody closes is closed then.
TICKET_DAYS = integer("ACCORD_TICKET_DAYS", 14)

# --- Confirmation letters: how many a domain may cause (consent/confirming.py) ----------------

CONFIRMATIONS_PER_DOMAIN_HOUR = integer("ACCORD_CONFIRMATIONS_PER_DOMAIN_HOUR", 30)
CONFIRMATIONS_PER_DOMAIN_DAY = integer("ACCORD_CONFIRMATIONS_PER_DOMAIN_DAY", 300)
CONFIRMATIONS_PROVIDER_FACTOR = integer("ACCORD_CONFIRMATIONS_PROVIDER_FACTOR", 20)
CONFIRMATIONS_PER_MINUTE = integer("ACCORD_CONFIRMATIONS_PER_MINUTE", 600)

# --- Celery: a task is a doorbell, PostgreSQL is the truth ------------------------------------

CELERY_BROKER_URL = text("ACCORD_BROKER_URL", "filesystem://")
_BROKER = HOME / "broker"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "data_folder_in": str(_BROKER / "queue"),
        "data_folder_out": str(_BROKER / "queue"),
        "control_folder": str(_BROKER / "control"),
        # kombu's default of one second lets through about two tasks a second (measured).
        "polling_interval": 0.05,
    }
    if CELERY_BROKER_URL.startswith("filesystem:")
    else {}
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = SCHEDULE

# --- Logs: ids only --------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "deploy.logs.WithoutValues"}},
    "filters": {"others": {"()": "deploy.logs.NothingOfOthers"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["others"],
        }
    },
    # Django's own configuration gives these a handler each, and one of them mails.
    "root": {"handlers": ["stderr"], "level": text("ACCORD_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        "django.server": {"handlers": [], "propagate": True},
        "axes": {"level": "ERROR"},
        # An SMTP server that logs its dialogue logs addresses.
        "mail.log": {"level": "WARNING"},
    },
}
