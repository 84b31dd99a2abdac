from django.apps import AppConfig


class TabularConfig(AppConfig):
    name = "apps.tabular"
    label = "tabular"
    verbose_name = "Files and databases"

    def ready(self) -> None:
        from apps.tabular import sources, tasks  # noqa: F401 - they register themselves
