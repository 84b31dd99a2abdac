"""The embedded Postgres and what deployments read."""
