"""Django settings. What may differ between installations comes from `environment.py`."""

from __future__ import annotations

from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from medes_site.environment import ROOT, read_environment

ENVIRONMENT = read_environment()
MEDES_HOME = ENVIRONMENT.home
for folder in ("uploads", "artefacts", "logs", "static"):
    (MEDES_HOME / folder).mkdir(parents=True, exist_ok=True)

DEBUG = ENVIRONMENT.debug
DEMO = ENVIRONMENT.demo
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.trusted_origins)
ROOT_URLCONF = "medes_site.urls"
WSGI_APPLICATION = "medes_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": ENVIRONMENT.database}

INSTALLED_APPS = [
    "medes_site.accounts",
    "medes_site.kit.jobs",
    "medes_site",
    "benchmark",
    "annotation",
    "training",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "annotation.api.quick.quick_labelling",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "medes_site.context.site",
            ],
        },
    }
]
FORM_RENDERER = "medes_site.kit.forms.Renderer"

# Accounts: e-mail or user name, no social providers. Experts and referees are invited (accounts/).
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if ENVIRONMENT.email else "none"
ACCOUNT_ADAPTER = "medes_site.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "medes_site.accounts.forms.LoginForm",
    "signup": "medes_site.accounts.forms.SignupForm",
    "add_email": "medes_site.accounts.forms.AddEmailForm",
    "change_password": "medes_site.accounts.forms.ChangePasswordForm",
    "set_password": "medes_site.accounts.forms.SetPasswordForm",
    "reset_password": "medes_site.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "medes_site.accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "medes_site.accounts.forms.ReauthenticateForm",
}
ACCOUNT_USER_DISPLAY = str
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
# MEDES_HTTPS says that one reverse proxy stands in front; rate limits count the address it reports, and no other.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if ENVIRONMENT.https else 0
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[MedES] "
ACCOUNT_USERNAME_BLACKLIST = ["admin", "root", "system", "medes"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

# Without EMAIL_URL no e-mail leaves the site, and the pages say so instead of pretending.
MEDES_SENDS_EMAIL = bool(ENVIRONMENT.email)
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
globals().update(ENVIRONMENT.email)

# Chinese first; English is the other half of every page.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = ENVIRONMENT.time_zone

STATIC_URL = "static/"
STATIC_ROOT = MEDES_HOME / "static"
STATICFILES_DIRS = [ROOT / "static"]
MEDIA_ROOT = MEDES_HOME / "uploads"
MEDES_ARTEFACTS = MEDES_HOME / "artefacts"
MEDES_MODEL_ROOTS = list(ENVIRONMENT.model_roots)
MEDES_MODEL_HUBS = list(ENVIRONMENT.model_hubs)
MEDES_JUDGE_ENDPOINTS = list(ENVIRONMENT.judge_endpoints)
MEDES_TRAIN_MEMORY = ENVIRONMENT.train_memory
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT},
    },
    "staticfiles": {"BACKEND": "medes_site.kit.static.ManifestStorage"},
    "artefacts": ENVIRONMENT.artefact_store,
}
FILE_UPLOAD_HANDLERS = ["medes_site.kit.uploads.LimitedTemporaryFileUploadHandler"]
MEDES_UPLOAD_BYTES = ENVIRONMENT.upload_bytes
MEDES_DAILY_SUBMISSIONS = ENVIRONMENT.daily_submissions
MEDES_LABELLING_PER_MINUTE = ENVIRONMENT.labelling_per_minute
MEDES_METRICS_TOKEN = ENVIRONMENT.metrics_token
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

# Nothing inline, nothing from elsewhere. `data:` images are the little arrows of Django's admin.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENVIRONMENT.https
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "medes_site.kit.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "EXCEPTION_HANDLER": "benchmark.api.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "240/min", "user": "1200/min"},
    "NUM_PROXIES": 1 if ENVIRONMENT.https else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token", "TOKEN_MODEL": "accounts.ApiToken"}
KNOX_TOKEN_MODEL = "accounts.ApiToken"
# Our own token model replaces knox's, whose migrations would still make its table and tie it to our users.
MIGRATION_MODULES = {"knox": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "MedES API",
    "DESCRIPTION": "Benchmarks, items, entries, submissions, boards and labelling campaigns of the MedES platform.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Fields called kind or state exist in both apps, with other values.
    "ENUM_NAME_OVERRIDES": {
        "ItemKindEnum": "benchmark.models.Kind",
        "GuardianKindEnum": "benchmark.models.Guardian.Kind",
        "TrainingKindEnum": "training.models.TrainingKind",
        "TuningKindEnum": "training.api.tuning.KIND_CHOICES",
        "CampaignKindEnum": "annotation.models.Campaign.Kind",
        "CampaignStateEnum": "annotation.models.Campaign.State",
        "MembershipStateEnum": "annotation.models.Membership.State",
        "SlotStateEnum": "annotation.models.Slot.State",
        "TaskStateEnum": "annotation.models.Task.State",
    },
}

# Rate limits count in the cache: with a Redis of its own, all web workers count together.
if ENVIRONMENT.redis_url.startswith(("redis://", "rediss://")):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": ENVIRONMENT.redis_url,
            "KEY_PREFIX": "medes",
        }
    }

# Celery only wakes workers; the job rows are the truth (kit/jobs). Messages are acknowledged early,
# so that a long task never meets the broker's visibility timeout.
CELERY_BROKER_URL = ENVIRONMENT.redis_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker however long, and works meanwhile
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "max_retries": 1,
    "interval_start": 0.1,  # a page that launches a job does not wait long for a broker that is down
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "reconcile-jobs": {
        "task": "jobs.reconcile",
        "schedule": schedule(run_every=max(5, ENVIRONMENT.job_lease_seconds / 4)),
        "options": {"queue": "default", "expires": 60},
    },
    "sweep-benchmark": {
        "task": "benchmark.sweep",
        "schedule": schedule(run_every=20),
        "options": {"queue": "default", "expires": 20},
    },
}
CELERY_BEAT_SCHEDULE["anchor-scores"] = {
    "task": "annotation.anchor_scores",
    "schedule": schedule(run_every=60),
    "options": {"queue": "default", "expires": 60},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(MEDES_HOME / "celerybeat-schedule")
MEDES_JOB_LEASE_SECONDS = ENVIRONMENT.job_lease_seconds

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENVIRONMENT.log_level},
}
