"""One settings module for every process; ACCORD_PROCESS selects addresses, databases and keys."""

import ipaddress
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from deploy.environment import flag, integer, listing, text

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = text("ACCORD_PROCESS", "owner")
HOME = Path(text("ACCORD_HOME", str(BASE_DIR / "var")))

SECRET_KEY = text("ACCORD_SECRET_KEY")
DEBUG = False
PUBLIC_URL = text("ACCORD_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
STAFF_URL = text("ACCORD_STAFF_URL", "http://127.0.0.1:8001").rstrip("/")
ALLOWED_HOSTS = listing("ACCORD_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [STAFF_URL]
STAFF_NETWORKS = [ipaddress.ip_network(n) for n in listing("ACCORD_STAFF_NETWORKS", "127.0.0.1/32")]
STAFF_PROXIES = [ipaddress.ip_network(n) for n in listing("ACCORD_STAFF_PROXIES")]
PUBLIC_PROXIES = [ipaddress.ip_network(n) for n in listing("ACCORD_PUBLIC_PROXIES")]

# The company that runs this installation, as its mail and pages name it.
ORGANISATION_NAME = text("ACCORD_ORGANISATION_NAME", "Accord")
ORGANISATION_ADDRESS = text("ACCORD_ORGANISATION_ADDRESS", "")
DPO_ADDRESS = text("ACCORD_DPO_ADDRESS", "dpo@localhost.example")

# Keys, the privacy journal, the public side's own journal and the ledger's signed heads: outside
# the databases.
KEYS_DIR = Path(text("ACCORD_KEYS_DIR", str(HOME / "keys")))
JOURNAL_DIR = Path(text("ACCORD_JOURNAL_DIR", str(HOME / "journal")))
INTAKE_JOURNAL_DIR = Path(text("ACCORD_INTAKE_JOURNAL_DIR", str(HOME / "intake-journal")))
ANCHOR_DIR = Path(text("ACCORD_ANCHOR_DIR", str(HOME / "anchor")))

# --- Mail ------------------------------------------------------------------------------------

RELAY_URL = text("ACCORD_RELAY_URL", "smtp://127.0.0.1:2525")
# The domain of Message-IDs, List-Ids and return paths.
MAIL_DOMAIN = text("ACCORD_MAIL_DOMAIN", "mail.localhost.example")
SENDER_NAME = text("ACCORD_SENDER_NAME", ORGANISATION_NAME)
SENDER_ADDRESS = text("ACCORD_SENDER_ADDRESS", f"news@{MAIL_DOMAIN}")
# How long a worker holds a message. Longer than the relay's patience, so that a worker that was
# only paused finds its session closed before somebody else takes the message up.
LEASE_SECONDS = integer("ACCORD_LEASE_SECONDS", 360)
DKIM_KEY_PATH = text("ACCORD_DKIM_KEY", "")
DKIM_SELECTOR = text("ACCORD_DKIM_SELECTOR", "accord")

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
        "CONN_HEALTH_CHECKS": PROCESS != "public",
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
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # CNIL deliberation 2022-100: twelve characters with complexity, or length alone from fourteen.
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 14},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
SESSION_ENGINE = "crm.accounts.sealed_sessions"
SESSION_COOKIE_NAME = "accord_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = STAFF_URL.startswith("https://")
CSRF_COOKIE_NAME = "accord_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "crm.pages.errors.csrf_failure"
SESSION_COOKIE_AGE = integer("ACCORD_SESSION_SECONDS", 12 * 3600)

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
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
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
# Seconds between two rings. A bell that was not answered by the next ring is worth nothing: it
# expires, so that a worker that was away does not answer the same bell a thousand times.
_SWEEPS = {
    "privacy.refresh_sealing_key": 3600,
    "forms_intake.receive": 1,
    "forms_intake.project": 5,
    # A "no" takes effect within a second: three rings fit, one may be missed.
    "consent.apply_decisions": 0.3,
    "consent.refresh_cards": 1,
    "consent.rekey_suppressions": 10,
    "consent.make_receipts": 1,
    "consent.seal_ledger": 10,
    "consent.settle_informed": 3600,
    "crm.settle_merges": 5,
    "crm.work_on_imports": 5,
    "campaigns.send_letters": 2,
    "campaigns.sweep": 5,
    "campaigns.receive_measures": 2,
    "campaigns.forget_measures": 120,
    "campaigns.publish_links": 3600,
}
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds + 1}}
    for name, seconds in _SWEEPS.items()
}

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
