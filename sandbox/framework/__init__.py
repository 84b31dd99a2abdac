"""What all practice vendors share: storage, authorisation, limits, faults, webhooks, control pages."""
