from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "apps.exceptions"
    label = "exceptions"
    verbose_name = "Cases"

    def ready(self) -> None:
        from apps.exceptions import receivers

        receivers.connect()
