"""Settings of the test suite: the real ones, with a cheap password hasher and secrets made anew for each run."""

import os
import secrets

os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(32))
os.environ.setdefault("FIELD_KEYS", secrets.token_urlsafe(32))
os.environ.setdefault("INSECURE_HTTP", "1")
os.environ.setdefault("OUTBOUND_ALLOW_PRIVATE", "1")
os.environ.setdefault("PUBLIC_SCHEME", "http")
os.environ.setdefault("LOG_LEVEL", "WARNING")
# Playwright keeps an event loop running in the process that drove a browser; later tests there would be refused the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ACCOUNT_RATE_LIMITS = False
