from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "apps.exceptions"
    label = "exceptions"

    def ready(self) -> None:
        from apps.exceptions import receivers

        receivers.connect()
