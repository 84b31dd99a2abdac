from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    name = "apps.backoffice"
    label = "backoffice"

    def ready(self) -> None:
        from apps.backoffice import tasks  # noqa: F401
