"""What bin/connector does: making, checking and trying connectors. Needs no running database."""
