"""Settings of the server that browser tests drive: the tests' own, with static files served without collecting them."""

import os

from config.settings_test import *  # noqa: F403

WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("BROWSER_MAIL_FOLDER", "/nonexistent")
