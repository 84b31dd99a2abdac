"""How often Python looks for garbage that refers to itself."""

import gc


def collect_seldom() -> None:
    """What stands after the start stays, so it is never searched again; pages and bodies, thousands of objects that live for
    a moment, no longer set off a search each time they are made (a tenth of the time of a long read). To be called once a
    process, or before it forks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
