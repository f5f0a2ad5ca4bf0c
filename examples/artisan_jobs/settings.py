"""Django's settings. What differs from one place to another is in the environment: see .env.example."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from broadcastkit.integrations.rate_limits import FixedWindow
from examples.artisan_jobs.environment import GUIDE, database, listed, read, secret_key

APP = "examples.artisan_jobs"
HERE = Path(__file__).parent
DATA = Path(read("ARTISAN_JOBS_DATA", str(HERE.parents[1] / "build" / "artisan_jobs")))
DATA.mkdir(parents=True, exist_ok=True)

APP_URL = read("APP_URL", "http://localhost:8000")
HTTPS = APP_URL.startswith("https://")
SECRET_KEY = secret_key(DATA)
ALLOWED_HOSTS = [urlsplit(APP_URL).hostname, "localhost", "127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [APP_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "broadcastkit.integrations.django",
    APP,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    f"{APP}.security.content_security_policy",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "broadcastkit.integrations.django.middleware.SocketIdMiddleware",
]
ROOT_URLCONF = f"{APP}.urls"
ASGI_APPLICATION = f"{APP}.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database(read("DATABASE_URL"), DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "artisan_jobs.User"
USE_TZ = True
TIME_ZONE = "Africa/Lagos"

# the page, as `npm run bundle` makes it
BUNDLE = HERE / "dist"
STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [BUNDLE] if BUNDLE.exists() else []
MEDIA_ROOT = DATA / "uploads"
MAX_UPLOAD = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
TOKEN_DAYS = 30
CSRF_FAILURE_VIEW = f"{APP}.api.csrf_failure"
# counted in this process; with several, give them storage="redis://…"
API_LIMIT = FixedWindow("300/minute")
MESSAGE_LIMIT = FixedWindow("60/minute")
# of one account from one address, and of one address whatever the account
SIGN_IN_LIMIT = FixedWindow("10/minute")
SIGN_IN_LIMIT_OF_ADDRESS = FixedWindow("60/minute")
# shows on the sign-in page who there is, and with which password: `python -m examples.artisan_jobs` says so
DEMO = read("ARTISAN_JOBS_DEMO") == "1"

if HTTPS and read("PUSHER_APP_SECRET") == GUIDE["PUSHER_APP_SECRET"]:
    # with it, anybody could sign events and subscriptions
    raise ImproperlyConfigured("PUSHER_APP_SECRET is the one that everybody has from the guide: choose another one")

# -- broadcasting ------------------------------------------------------------------------------------------------------
# Without BROADCASTING, connections come from BROADCAST_CONNECTION and PUSHER_*, and BROADCAST_DELIVERY.

# what is stored and not broadcast is seen at the next reload, which beats an error page
BROADCASTING_ON_ERROR = "report"
BROADCASTING_USER = f"{APP}.tokens.user_of"
# one's own subscriptions, so that nobody tries out channels
BROADCASTING_RATE_LIMIT = FixedWindow("120/minute")

# as config/cors.php of the guide: these paths, for the origins that are named; never with cookies
CORS_URLS_REGEX = r"^/(api/.*|broadcasting/auth)$"
CORS_ALLOWED_ORIGINS = listed("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "x-socket-id"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
