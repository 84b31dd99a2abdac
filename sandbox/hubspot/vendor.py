"""Accounts and OAuth only; the API follows."""

from sandbox.framework.vendor import OAuthPaths, Vendor


class HubSpot(Vendor):
    name = "hubspot"
    label = "HubSpot"
    oauth = OAuthPaths(("/oauth/authorize",), ("/oauth/token",), 1800, True)

    def routes(self):
        return []
