"""Postgres: schema, migrations, named queries and the typed functions that run them. The only importer of asyncpg."""
