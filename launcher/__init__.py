"""What bin/ runs: the embedded Postgres, the demo and the checks. Standard library and psycopg only; not part of the deployed product."""
