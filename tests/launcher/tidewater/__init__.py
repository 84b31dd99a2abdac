"""Tidewater: a vendor that does not exist, described by its OpenAPI file and acted by a small server."""
