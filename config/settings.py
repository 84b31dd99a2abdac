"""The one settings file. Everything that differs between deployments comes from the environment (see docs/operators.md)."""

import sys
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

# Lets model fields, managers and querysets be subscripted in annotations at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# collectstatic runs at build time, where no secret and no database are present.
BUILDING = len(sys.argv) > 1 and sys.argv[1] in {"collectstatic", "compilemessages"}

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="build-only" if BUILDING else environ.Env.NOTSET)
# Newest first. Each is stretched to a Fernet key, so a platform's generated hex string is good enough.
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", default=["build-only"] if BUILDING else environ.Env.NOTSET)

# Hosts are checked against the Domain table by the tenancy middleware, which answers 404 to a host it does not know.
ALLOWED_HOSTS = ["*"]
BASE_DOMAIN: str = env.str("BASE_DOMAIN", default="localhost")
# How links to a partner's host are written outside a request (mails, OAuth redirect): scheme and port of the web process.
PUBLIC_SCHEME: str = env.str("PUBLIC_SCHEME", default="https")
PUBLIC_PORT: str = env.str("PUBLIC_PORT", default="")

# --- applications ---------------------------------------------------------------------------------------------
# unfold comes before django_tenants, which ships admin templates of its own.
_ADMIN_THEME = ["unfold", "unfold.contrib.filters", "unfold.contrib.forms", "unfold.contrib.simple_history"]
_PEOPLE = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "apps.accounts",
    "allauth",
    "allauth.account",
]
SHARED_APPS = [
    *_ADMIN_THEME,
    "django_tenants",
    "django.contrib.staticfiles",
    *_PEOPLE,
    "django_q",
    "simple_history",
    "django_htmx",
    "template_partials",
    "apps.core",
    "apps.partners",
    "apps.backoffice",
    "conformance",  # a command only; nothing in apps imports it (docs/adr/0014)
]
TENANT_APPS = [
    *_PEOPLE,
    "apps.connectors",
    "apps.canonical",
    "apps.mappings",
    "apps.syncs",
    "apps.tabular",
    "apps.flows",
    "apps.exceptions",
    "apps.notices",
    "apps.portal",
]
INSTALLED_APPS = [*SHARED_APPS, *[app for app in TENANT_APPS if app not in SHARED_APPS]]

TENANT_MODEL = "partners.Partner"
TENANT_DOMAIN_MODEL = "partners.Domain"
PUBLIC_SCHEMA_URLCONF = "config.urls_operator"
ROOT_URLCONF = "config.urls_partner"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_LIMIT_SET_CALLS = True
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.RoleBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "apps.core.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.partners.middleware.PartnerMiddleware",
    "apps.core.middleware.MachinePaths",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.CustomerScopeMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.core.middleware.AdminContentSecurityPolicy",
]

# Called by programs, which bring neither a session nor a form: their views check who it is themselves.
MACHINE_PATHS = ["/hooks/"]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.partners.context_processors.brand",
            ],
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

# --- database, cache, queue -----------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db(
            "DATABASE_URL", default="postgres://build:build@127.0.0.1:1/build" if BUILDING else environ.Env.NOTSET
        ),
        "ENGINE": "apps.core.tenancy.backend",
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
# Past a pooler, for sessions that are held all the time; empty: the same as DATABASE_URL.
_direct = env.db("DATABASE_DIRECT_URL") if env.str("DATABASE_DIRECT_URL", default="") else {}
DATABASE_DIRECT: dict[str, Any] = (
    {
        "host": _direct["HOST"],
        "port": _direct["PORT"] or 5432,
        "dbname": _direct["NAME"],
        "user": _direct["USER"],
        "password": _direct["PASSWORD"],
        **{name: value for name, value in _direct.get("OPTIONS", {}).items() if name == "sslmode"},
    }
    if _direct
    else {}
)
# A replica that pages with figures may read (docs/operators.md); empty: there is none.
REPLICA_URL: str = env.str("REPLICA_URL", default="")
# A replica that is further behind is not asked.
REPLICA_MAX_LAG_SECONDS = env.int("REPLICA_MAX_LAG_SECONDS", default=30)
if REPLICA_URL:
    DATABASES["replica"] = {
        **env.db("REPLICA_URL"),
        "ENGINE": "apps.core.tenancy.backend",
        "CONN_MAX_AGE": DATABASES["default"]["CONN_MAX_AGE"],
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        # A replica that vanished must not keep pages waiting.
        "OPTIONS": {"connect_timeout": 2, "tcp_user_timeout": 5000},
        "TEST": {"MIRROR": "default"},
    }
    DATABASE_ROUTERS.insert(0, "apps.core.tenancy.replica.ReplicaRouter")
    MIDDLEWARE.append("apps.core.tenancy.replica.RememberWrites")
REDIS_URL: str = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        **(
            {
                "BACKEND": "apps.core.cache.RedisOrTableCache",
                "LOCATION": REDIS_URL,
                "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
            }
            if REDIS_URL
            else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "core_cache"}
        ),
        # Without these one partner's cached admin search is served to another (a system check insists on them).
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    },
    # What the first one falls back to while Redis is away.
    "table": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    },
    # q2 saves its status twice a second; nobody outside the process reads it.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    },
}

# q2 only rings: the truth about work is in core.DueWork and the tables it points to (docs/adr/0003).
WORKERS = env.int("WORKERS", default=2)
Q_CLUSTER: dict[str, Any] = {
    "name": "throughline",
    "workers": WORKERS,
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 110,
    "retry": 150,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": 0,
    "catch_up": False,
    "scheduler": False,
    "recycle": 5000,
    "poll": 0.2,
    "label": "Queue",
    "cache": "process",
    # With Redis `retry` and `max_attempts` say nothing: it hands a task out by forgetting it, so nothing is acknowledged or repeated.
    **(
        {"redis": REDIS_URL, "broker_class": "apps.core.work.redis_broker.RedisBroker"}
        if REDIS_URL
        else {"orm": "default", "broker_class": "apps.core.work.broker.NotifyBroker"}
    ),
}
# How long a claim on work holds without being renewed: the longest a stopped worker can delay its work.
WORK_LEASE_SECONDS = env.int("WORK_LEASE_SECONDS", default=60)
# Live work that is due and unclaimed for longer is an alarm: /workz answers 503, the worker's log says so.
WORK_ALERT_SECONDS = env.int("WORK_ALERT_SECONDS", default=120)
# Schema of the partner that is migrated before all others; empty: the oldest.
MIGRATION_CANARY: str = env.str("MIGRATION_CANARY", default="")

# --- connectors -----------------------------------------------------------------------------------------------
# Folders of a deployment's own connectors, beside the catalog: each holds <slug>/manifest.yaml and needs no code here.
CONNECTOR_PATHS: list[str] = env.list("CONNECTOR_PATHS", default=[])

# --- files ----------------------------------------------------------------------------------------------------
# Watched folders live below this one, as <partner's schema>/<customer's slug>/…; empty: there are none.
FILE_FOLDER_ROOT: str = env.str("FILE_FOLDER_ROOT", default="")
# How long the content of a file that was taken over is kept.
FILE_KEEP_DAYS: int = env.int("FILE_KEEP_DAYS", default=90)

# --- outbound calls -------------------------------------------------------------------------------------------
OUTBOUND_ALLOWED_HOSTS: list[str] = env.list("OUTBOUND_ALLOWED_HOSTS", default=[])
OUTBOUND_ALLOW_PRIVATE: bool = env.bool("OUTBOUND_ALLOW_PRIVATE", default=False)

# --- people ---------------------------------------------------------------------------------------------------
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited by staff; nobody signs up (apps.accounts.adapter)
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- history --------------------------------------------------------------------------------------------------
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_DATE_INDEX = False

# --- language and time ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files and uploads ---------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- mail -----------------------------------------------------------------------------------------------------
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Throughline <no-reply@localhost>")
# Without it a mail server that accepts and then says nothing would hold a worker for ever.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)

# --- security -------------------------------------------------------------------------------------------------
INSECURE_HTTP = env.bool("INSECURE_HTTP", default=False)  # bin/demo and bin/test serve plain http on loopback
SECURE_SSL_REDIRECT = not INSECURE_HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSECURE_HTTP
SECURE_HSTS_PRELOAD = not INSECURE_HTTP
SESSION_COOKIE_SECURE = not INSECURE_HTTP
CSRF_COOKIE_SECURE = not INSECURE_HTTP
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
FORMS_URLFIELD_ASSUME_HTTPS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

# --- admin theme ----------------------------------------------------------------------------------------------
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "apps.backoffice.branding.site_title",
    "SITE_HEADER": "apps.backoffice.branding.site_title",
    "SITE_SUBHEADER": "apps.backoffice.branding.site_subheader",
    "SITE_ICON": "apps.backoffice.branding.site_icon",
    "SITE_URL": "/",
    "THEME": "light",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"base": "apps.backoffice.branding.base_colours", "primary": "apps.backoffice.branding.primary_colours"},
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "apps.backoffice.navigation.sidebar",
    },
}
UNFOLD_OPERATOR: dict[str, Any] = {
    "SITE_TITLE": "Throughline operator",
    "SITE_HEADER": "Throughline operator",
    "SITE_SYMBOL": "hub",
    "SITE_ICON": "apps.backoffice.branding.site_icon",
    "THEME": "light",
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"base": "apps.backoffice.branding.base_colours", "primary": "apps.backoffice.branding.primary_colours"},
    "SIDEBAR": {"navigation": "apps.backoffice.navigation.operator_sidebar"},
}

# --- logs -----------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "apps.core.logs.TenantFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django-q": {"level": "WARNING"}, "django.server": {"level": "WARNING"}},
}
