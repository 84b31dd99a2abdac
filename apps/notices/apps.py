from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "apps.notices"
    label = "notices"
    verbose_name = "Notices"

    def ready(self) -> None:
        from apps.notices import tasks  # noqa: F401
