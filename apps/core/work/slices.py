"""How long a long piece of work keeps its worker: until others wait for one, or for so many seconds. Then it is due again at once and
goes on behind them."""

import time

from apps.core.work.queue import others_wait

_LOOK_SECONDS = 0.05  # so often somebody is looked for at most; a page of a read takes longer than that anyway


class Slice:
    """To be asked between two steps that may be far apart."""

    def __init__(self, seconds: float) -> None:
        self._looked_at = time.monotonic()
        self._ends = self._looked_at + seconds
        self._is_over = False

    def is_over(self) -> bool:
        """Once over, it stays so."""
        now = time.monotonic()
        if not self._is_over and now - self._looked_at > _LOOK_SECONDS:
            self._looked_at = now
            self._is_over = others_wait()
        return self._is_over or now > self._ends
