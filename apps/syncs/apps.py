from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "apps.syncs"
    label = "syncs"
    verbose_name = "Flow of data"

    def ready(self) -> None:
        from apps.syncs import tasks  # noqa: F401
