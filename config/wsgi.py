"""WSGI entry point. WSGI only: the partner's schema lives on the thread's database connection (see docs/adr/0001).

The Procfile loads it once, before it forks the processes that answer.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # before anything that asks for a setting

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from apps.core.garbage import collect_seldom
from apps.core.tenancy.heads import known
from apps.core.tenancy.pooling import refuse_transaction_pooling

application = get_wsgi_application()
refuse_transaction_pooling()
# What the first request would wait for: the migrations' names, and the views.
known()
for urlconf in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
    get_resolver(urlconf).url_patterns  # noqa: B018
collect_seldom()
