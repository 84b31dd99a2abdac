from django.apps import AppConfig


class ConformanceConfig(AppConfig):
    """Only the command `manage.py conformance`; no models."""

    name = "conformance"
    verbose_name = "Conformance kit"
