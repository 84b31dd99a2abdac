from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "apps.connectors"
    label = "connectors"
    verbose_name = "Connections"

    def ready(self) -> None:
        from apps.connectors import checks  # noqa: F401 - registers itself
