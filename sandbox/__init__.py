"""Practice vendors: stateful servers that behave like the real HubSpot, Harvest and Xero APIs.

They know nothing of the product, and the product knows nothing of them but a base URL.
"""
