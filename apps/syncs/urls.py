"""Where vendors' webhooks arrive, one unguessable address a connection."""

from django.urls import path

from apps.syncs.views import webhook

app_name = "hooks"
urlpatterns = [path("<str:key>/", webhook, name="webhook")]
