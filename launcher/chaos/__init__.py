"""bin/chaos: the whole product under load while everything in it is killed, stopped and put out of time; then an audit.

stack: what runs, and what is done to it. load: what is asked for meanwhile. audit, invoices: what became of it.
"""
