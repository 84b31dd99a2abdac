"""How much of what applies a connector of each declared quality has to pass."""

LEAST = {"gold": 1.0, "silver": 0.95, "bronze": 0.9}


def least_for(quality: str) -> float:
    return LEAST[quality]
