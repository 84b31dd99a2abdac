"""What bin/ runs: embedded Postgres, demo, tests, checks. Standard library and psycopg only; never deployed."""
