"""Pages: ask a selector or call a service, then draw."""
