"""Accounts and OAuth only; the API follows."""

from sandbox.framework.vendor import OAuthPaths, Vendor


class Xero(Vendor):
    name = "xero"
    label = "Xero"
    oauth = OAuthPaths(("/oauth/authorize",), ("/oauth/token",), 1800, True)

    def routes(self):
        return []
