"""Django's settings, read from the environment. What a merchant sets is a model, not a setting."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from tiski.kernel.secrets import master_key_text, older_master_key_texts

from . import databases, environment

TISKI_DATA = environment.folder("TISKI_DATA", "data", "Folder for database, files and secret key.")
TISKI_HOST = environment.text("TISKI_HOST", "127.0.0.1", "Address to listen on.")
TISKI_PORT = environment.number("TISKI_PORT", 8000, "Port to listen on.")
TISKI_BASE_URL = environment.text(
    "TISKI_BASE_URL", f"http://localhost:{TISKI_PORT}", "Public address; every link in mail is built from it."
).rstrip("/")
TISKI_DATABASE_URL = environment.text(
    "TISKI_DATABASE_URL", "", "`postgresql://user@host/name`; empty means SQLite in the data folder."
)
TISKI_REDIS_URL = databases.redis(
    environment.text(
        "TISKI_REDIS_URL",
        "",
        "`redis://:password@host:6379`: carries hints between processes; empty leaves them to PostgreSQL.",
    )
)
TISKI_SMTP_URL = environment.text(
    "TISKI_SMTP_URL", "", "`smtp://user:password@host:587` for the instance's own mail; empty prints it instead."
)
TISKI_ALLOW_NETWORKS = environment.several(
    "TISKI_ALLOW_NETWORKS", "", "Private networks (CIDR) that outgoing connections may reach, none by default."
)
TISKI_TRUSTED_PROXIES = environment.several(
    "TISKI_TRUSTED_PROXIES", "", "Addresses of reverse proxies whose forwarded headers count."
)
TISKI_DEBUG = environment.switch("TISKI_DEBUG", default=False, meaning="Detailed error pages; loopback only.")
TISKI_LOG_LEVEL = environment.text(
    "TISKI_LOG_LEVEL", "WARNING", "Least severe log lines written: DEBUG, INFO, WARNING, ERROR."
)
TISKI_METRICS_TOKEN = environment.text(
    "TISKI_METRICS_TOKEN", "", "Bearer token with which `/metrics` may be read from anywhere; empty: from nowhere else."
)
TISKI_METRICS_NETWORKS = environment.several(
    "TISKI_METRICS_NETWORKS",
    "127.0.0.0/8,::1/128",
    "Networks (CIDR) from which `/metrics` may be read without a token, never through a proxy.",
)
TISKI_WORKER_PORT = environment.number(
    "TISKI_WORKER_PORT", 0, "Port where `tiski worker` answers `/metrics`, `/livez` and `/readyz`; 0: nowhere."
)
TISKI_LONGEST_LAG = environment.number(
    "TISKI_LONGEST_LAG", 60, "Seconds that a delivery may be overdue before `/readyz` complains of lag."
)
TISKI_WAL_ALARM = environment.number(
    "TISKI_WAL_ALARM", 512, "Megabytes of SQLite's write-ahead log above which `/readyz` complains of it."
)
environment.text("TISKI_SECRET_KEY", "", "Master key; empty means the file `secret.key` in the data folder.")
TISKI_KEY_FILE = TISKI_DATA / "secret.key"

_base = urlsplit(TISKI_BASE_URL)
SECURE = _base.scheme == "https"
DEBUG = TISKI_DEBUG
SECRET_KEY = master_key_text(TISKI_KEY_FILE)
SECRET_KEY_FALLBACKS = older_master_key_texts(TISKI_KEY_FILE)
ALLOWED_HOSTS = [_base.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [TISKI_BASE_URL]

INSTALLED_APPS = [
    "tiski.kernel",
    "tiski.ui",
    "tiski.accounts",
    "tiski.customers",
    "tiski.conversations",
    "tiski.channels.chat",
    "tiski.channels.email",
    "tiski.console",
    "tiski.widget",
    "tiski.demo",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
]
MIDDLEWARE = [
    "tiski.kernel.middleware.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tiski.kernel.middleware.RefusalMiddleware",
    "tiski.accounts.web.middleware.AccountsMiddleware",
]
ROOT_URLCONF = "tiski.config.urls"
WSGI_APPLICATION = "tiski.config.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": False,
        "DIRS": sorted(
            str(path) for path in Path(__file__).parent.parent.glob("**/templates") if "site-packages" not in str(path)
        ),
        "OPTIONS": {"environment": "tiski.ui.jinja.environment"},
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
DATABASES = {"default": databases.configure(TISKI_DATABASE_URL, TISKI_DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_USER_MODEL = "accounts.Agent"
AUTHENTICATION_BACKENDS = ["tiski.accounts.backend.AgentBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "tiski.accounts.web.adapter.SignInAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_RATE_LIMITS = False
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/sign-in/"

SESSION_ENGINE = "tiski.accounts.sessions"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "tiski_session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "tiski_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "tiski.ui.web.csrf_failed"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin"

LANGUAGE_CODE = "fi"
LANGUAGES = [("fi", _("Finnish")), ("sv", _("Swedish")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "tiski_language"
LOCALE_PATHS = [str(Path(__file__).parent.parent / "locale")]
USE_I18N = USE_TZ = True
TIME_ZONE = "Europe/Helsinki"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_TEMP_DIR = str(TISKI_DATA) if TISKI_DATA.is_dir() else None
DEFAULT_FROM_EMAIL = f"Tiski <tiski@{_base.hostname}>"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "tiski.config.logs.JsonLines"}},
    "filters": {"request": {"()": "tiski.kernel.tracing.NamesTheRequest"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request"]}},
    "root": {"handlers": ["stderr"], "level": TISKI_LOG_LEVEL},
}
