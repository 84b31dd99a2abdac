"""The kit for connectors that are not reached by HTTP: real files and a real PostgreSQL database, made for the run.

Their faults are others: there is no 429 and no token, but a file that is half broken and a connection that ends inside a COMMIT.
"""

from collections.abc import Callable

from conformance.outside import files, tables, warehouse
from conformance.outside.bench import Outside

Check = Callable[[Outside], str]

CHECKS: dict[str, dict[str, Check]] = {
    "files": {
        "verification": files.verification,
        "values": files.values,
        "encodings": files.encodings,
        "broken_rows": files.broken_rows,
        "wrong_types": files.wrong_types,
        "missing_fields": files.missing_fields,
        "unknown_fields": files.unknown_fields,
        "repeated": files.repeated,
        "pages_under_change": files.pages_under_change,
        "mass_deletion": files.mass_deletion,
        "killed_before": files.killed_before,
        "killed_after": files.killed_after,
        "access_revoked": files.access_revoked,
        "sftp_dropped": files.sftp_dropped,
        "sftp_growing": files.sftp_growing,
        "sftp_replaced": files.sftp_replaced,
        "sftp_host_key": files.sftp_host_key,
        "hostile": files.hostile,
    },
    "sql": {
        "verification": tables.verification,
        "pages_under_change": tables.pages_under_change,
        "late_commit": tables.late_commit,
        "wrong_types": tables.wrong_types,
        "missing_fields": tables.missing_fields,
        "unknown_fields": tables.unknown_fields,
        "encodings": tables.encodings,
        "mass_deletion": tables.mass_deletion,
        "dropped": tables.dropped,
        "killed": tables.killed,
        "access_revoked": tables.access_revoked,
        "never_writes": tables.never_writes,
        "slow_answer": tables.slow_answer,
        "private_addresses": tables.private_addresses,
    },
    "warehouse": {
        "verification": warehouse.verification,
        "values": warehouse.values,
        "pages_under_change": warehouse.pages_under_change,
        "late_commit": warehouse.late_commit,
        "dropped_before": warehouse.dropped_before,
        "dropped_after": warehouse.dropped_after,
        "killed": warehouse.killed,
        "deletion": warehouse.deletion,
        "missing_fields": warehouse.missing_fields,
        "unknown_fields": warehouse.unknown_fields,
        "refused_write": warehouse.refused_write,
        "access_revoked": warehouse.access_revoked,
        "foreign_schema": warehouse.foreign_schema,
    },
}
"""By `client.kind`, in the order they are told. Each takes an `Outside` and says in a sentence what it saw."""
