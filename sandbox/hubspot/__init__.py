"""Practice HubSpot: CRM v3 objects, v4 associations, search, webhooks."""
