"""Settings of the workers these tests start: the test suite's, with kinds of work that leave a trace."""

from config.settings_test import *  # noqa: F403
from config.settings_test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.scale.traced.Traced"]
