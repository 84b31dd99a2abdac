from tests.committed import committed
from tests.flows.services.stage import Stage, stage

__all__ = ["Stage", "committed", "stage"]
