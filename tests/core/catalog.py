"""What the database knows of a schema, without its name: two schemas made by different ways are compared by it."""

from typing import Any

from django.db import connection

# Each asks about the first schema of the search path, the only one on it: names in it come without a schema, others with theirs.
_HERE = "(select oid from pg_namespace where nspname = current_schema())"
_FACTS = {
    "tables": f"""select relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions::text, relreplident,
                         pg_get_userbyid(relowner), relacl::text, relhastriggers, relchecks, obj_description(oid, 'pg_class')
                    from pg_class where relnamespace = {_HERE}""",
    "columns": f"""select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                          pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation::text, a.attstorage, a.attacl::text,
                          col_description(c.oid, a.attnum), row_number() over (partition by c.oid order by a.attnum),
                          case when a.attidentity <> '' then pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass::text end
                     from pg_attribute a join pg_class c on c.oid = a.attrelid
                     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
                    where c.relnamespace = {_HERE} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped""",
    "constraints": f"""select c.relname, o.conname, o.contype, pg_get_constraintdef(o.oid), o.condeferrable, o.condeferred, o.convalidated
                         from pg_constraint o left join pg_class c on c.oid = o.conrelid where o.connamespace = {_HERE}""",
    "indexes": f"""select c.relname, pg_get_indexdef(i.indexrelid, 0, true), i.indisunique, i.indisprimary, i.indisvalid, i.indimmediate
                     from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = {_HERE}""",
    "triggers": f"""select c.relname, t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgfoid::regprocedure::text
                      from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = {_HERE} and not t.tgisinternal""",
    "policies": f"""select c.relname, p.polname, p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
                           pg_get_expr(p.polwithcheck, p.polrelid)
                      from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = {_HERE}""",
    "functions": f"""select proname, pg_get_function_arguments(oid), pg_get_function_result(oid), prosrc, provolatile, proisstrict,
                            prosecdef, proconfig::text, proacl::text from pg_proc where pronamespace = {_HERE}""",
    "sequences": """select sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value
                      from pg_sequences where schemaname = current_schema()""",
    "owned": f"""select s.relname, c.relname, a.attname, d.deptype from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
                   join pg_class c on c.oid = d.refobjid join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
                  where d.classid = 'pg_class'::regclass and s.relnamespace = {_HERE}""",
}
_WHEN = {"django_migrations": "- 'applied'"}


def facts(schema_name: str) -> dict[str, list[Any]]:
    """By kind of thing, sorted; with the rows of every table, but for the moment a migration was applied.

    A definition that Postgres wrote down and read again has the cast of a list on each of its words; it means the same.
    """
    tenant = connection.tenant  # type: ignore[attr-defined]
    connection.set_schema(schema_name, include_public=False)  # type: ignore[attr-defined]
    try:
        with connection.cursor() as cursor:
            found = {}
            for kind, query in _FACTS.items():
                cursor.execute(query)
                found[kind] = sorted((tuple(map(_settled, row)) for row in cursor.fetchall()), key=repr)
            found["rows"] = [
                (name, rows)
                for name in sorted({row[0] for row in found["tables"] if row[1] == "r"})
                if (rows := _rows(cursor, name))
            ]
            return found
    finally:
        connection.set_tenant(tenant)  # type: ignore[attr-defined]


def _settled(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("]::text[]", "]").replace("::character varying::text", "::character varying")


def _rows(cursor: Any, table: str) -> list[str]:
    cursor.execute(f'select (to_jsonb(t) {_WHEN.get(table, "")})::text from "{table}" t')
    return sorted(row for (row,) in cursor.fetchall())
