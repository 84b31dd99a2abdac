"""From bytes to typed rows. Pure: no database, no clock, no network."""
