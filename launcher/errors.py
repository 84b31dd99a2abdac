"""The one error family of the launcher: its text goes to the terminal as it is."""


class LauncherError(Exception):
    """Something a person has to change; the text says what and how."""


class AlreadyRunningError(LauncherError):
    """Another live process keeps this data folder."""

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid
