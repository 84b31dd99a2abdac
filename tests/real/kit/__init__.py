"""The conformance kit on real systems: everything passes through us to the system, and faults are made on the way."""
