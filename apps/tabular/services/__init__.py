"""Use cases of files, database tables and warehouses."""
