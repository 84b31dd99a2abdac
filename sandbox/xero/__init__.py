"""Practice Xero: the accounting API 2.0, connections, webhooks."""
