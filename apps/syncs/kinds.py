"""Names of the kinds of background work, so that lower apps and tests can wake them without importing their handlers."""

PULL = "syncs.pull"  # key: sync id
INBOX = "syncs.inbox"  # key: connection id
DELIVER = "syncs.deliver"  # key: connection id
RELEASE = "syncs.release"  # key: customer id
REACT = "flows.react"  # key: customer id
