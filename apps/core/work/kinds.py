"""Names of the kinds of background work: a lower app wakes what a higher one does, by name, without importing it."""

PULL = "syncs.pull"  # key: sync id
INBOX = "syncs.inbox"  # key: connection id
DELIVER = "syncs.deliver"  # key: connection id
SET_UP = "partners.set_up"  # key: empty, the schema names the partner
CONSENT = "syncs.consent"  # key: connection id
SUBSCRIBE = "syncs.subscribe"  # key: connection id
RELEASE = "syncs.release"  # key: customer id
REACT = "flows.react"  # key: customer id
CONTROL = "flows.control"  # key: customer id
REPLAY = "syncs.replay"  # key: mapping id
STAGE = "tabular.stage"  # key: file id
EXPORT = "tabular.export"  # key: warehouse id
NEWS = "notices.news"  # key: customer id
DIGEST = "notices.digest"  # key: alert rule id, 0 for the default
SEND = "notices.send"  # key: empty, all notices of the partner

AT_ANY_HEAD = frozenset({SET_UP})
"""Done while the schema still lacks migrations: they make it."""
