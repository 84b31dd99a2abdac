"""WSGI entry point. WSGI only: the partner's schema lives on the thread's database connection (see docs/adr/0001)."""

import os

from django.core.wsgi import get_wsgi_application

from apps.core.garbage import collect_seldom
from apps.core.tenancy.heads import known
from apps.core.tenancy.pooling import refuse_transaction_pooling

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
refuse_transaction_pooling()
known()  # before the first request asks for it
collect_seldom()
