"""Copy what a schema consists of into an empty one, from the database's own catalog: no program beside the server is needed.

Postgres itself writes the definitions down (`pg_get_constraintdef` and the like). They are read with the model alone on the search
path, so that what lies in it is named without its schema, and run with the copy alone on it, so that they mean the copy.
Everything the model may consist of is either copied or named by `_STRANGE`: what is not known here must not be left out.
"""

from django.db import connection, transaction

from apps.core.errors import PermanentError


class NotCopyableError(PermanentError):
    code = "not_copyable"


_HERE = "(select oid from pg_namespace where nspname = current_schema())"
# The model's relations by number. The catalog of hundreds of schemas has half a million, with no index by schema: it is asked for them
# once, by what depends on the schema, and never read from end to end.
_INSIDE = f"""
with own as (select objid from pg_depend
              where refclassid = 'pg_namespace'::regclass and refobjid = {_HERE} and classid = 'pg_class'::regclass)
select set_config('app.copied', coalesce(array_agg(id), '{{}}')::text, true)
  from (select objid as id from own union all select indexrelid from pg_index where indrelid in (select objid from own)) ids
"""
_IN = "= any (current_setting('app.copied')::oid[])"
_TABLES = f"pg_class c where c.relkind = 'r' and c.oid {_IN}"

# Kinds of things the parts below do not copy.
_STRANGE = f"""
select 'relation ' || relname from pg_class where oid {_IN} and (
       relkind not in ('r', 'i', 'S') or relispartition or relhassubclass or relpersistence <> 'p' or reloftype <> 0 or reltablespace <> 0)
union all select 'type ' || typname from pg_depend d join pg_type t on t.oid = d.objid
       where d.classid = 'pg_type'::regclass and d.refclassid = 'pg_namespace'::regclass and d.refobjid = {_HERE}
union all select 'rule ' || rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.oid {_IN}
union all select 'function ' || proname from pg_proc where pronamespace = {_HERE}
       and (prokind not in ('f', 'p') or strpos(prosrc, current_schema() || '.') > 0)
union all select 'operator ' || oprname from pg_operator where oprnamespace = {_HERE}
union all select 'collation ' || collname from pg_collation where collnamespace = {_HERE}
union all select 'statistics ' || stxname from pg_statistic_ext where stxnamespace = {_HERE}
union all select 'column ' || c.relname || '.' || attname from pg_attribute a join pg_class c on c.oid = a.attrelid
       join pg_type t on t.oid = a.atttypid where c.oid {_IN} and c.relkind = 'r' and attnum > 0 and not attisdropped
       and (attacl is not null or attstorage <> t.typstorage or attcompression <> '' or coalesce(attstattarget, -1) <> -1
            or attoptions is not null)
union all select 'constraint ' || conname from pg_constraint where conrelid {_IN}
       and (contype not in ('n', 'f', 't', 'c', 'u', 'p', 'x') or not convalidated)
union all select 'index ' || c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
       where c.oid {_IN} and (indisclustered or indisreplident or not indisvalid)
union all select 'trigger ' || tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
       where c.oid {_IN} and not tgisinternal and tgenabled <> 'O'
union all select 'replica identity of ' || relname from pg_class where oid {_IN} and relkind = 'r' and relreplident <> 'd'
union all select 'comment on ' || conname from pg_description d join pg_constraint o on o.oid = d.objoid
       where d.classoid = 'pg_constraint'::regclass and o.conrelid {_IN}
union all select 'comment on ' || tgname from pg_description d join pg_trigger o on o.oid = d.objoid join pg_class c on c.oid = o.tgrelid
       where d.classoid = 'pg_trigger'::regclass and c.oid {_IN}
union all select 'comment on ' || polname from pg_description d join pg_policy o on o.oid = d.objoid join pg_class c on c.oid = o.polrelid
       where d.classoid = 'pg_policy'::regclass and c.oid {_IN}
union all select 'comment on ' || proname from pg_description d join pg_proc o on o.oid = d.objoid
       where d.classoid = 'pg_proc'::regclass and o.pronamespace = {_HERE}
"""

_COLUMN = """
    quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end
    || case when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
            when a.attgenerated = 'v' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') virtual'
            when a.attidentity <> '' then
                 ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity ('
                 || format('sequence name %I start %s increment %s minvalue %s maxvalue %s cache %s', s.relname, q.seqstart,
                           q.seqincrement, q.seqmin, q.seqmax, q.seqcache) || case when q.seqcycle then ' cycle)' else ')' end
            else '' end
    || case when n.conname is not null then format(' constraint %I not null', n.conname) when a.attnotnull then ' not null' else '' end
"""

# Rows that a policy hides would be left out silently; like this Postgres refuses to read them.
_BEFORE = "set local check_function_bodies = off; set local row_security = off"
_AFTER = "set local check_function_bodies = on; set local row_security = on"
_PARTS = (
    # Sequences of their own, before the defaults that ask them.
    f"""select format('create sequence %I as %s start %s increment %s minvalue %s maxvalue %s cache %s%s', c.relname,
               format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache,
               case when q.seqcycle then ' cycle' else '' end)
          from pg_class c join pg_sequence q on q.seqrelid = c.oid
         where c.oid {_IN} and not exists (
               select 1 from pg_depend where objid = c.oid and classid = 'pg_class'::regclass and deptype = 'i')
         order by c.relname""",
    f"""select format('create table %I (%s)%s', c.relname, string_agg({_COLUMN}, ', ' order by a.attnum),
                coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''))
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          join pg_type t on t.oid = a.atttypid
          left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
          left join pg_constraint n on n.conrelid = c.oid and n.contype = 'n' and n.conkey = array[a.attnum]
          left join pg_depend owned on owned.refclassid = 'pg_class'::regclass
               and owned.refobjid = c.oid and owned.refobjsubid = a.attnum and owned.deptype = 'i'
               and owned.classid = 'pg_class'::regclass and a.attidentity <> ''
          left join pg_class s on s.oid = owned.objid and s.relkind = 'S'
          left join pg_sequence q on q.seqrelid = s.oid
         where c.relkind = 'r' and c.oid {_IN}
         group by c.oid, c.relname, c.reloptions order by c.relname""",
    f"""select format('alter sequence %I owned by %I.%I', s.relname, c.relname, a.attname)
          from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_class c on c.oid = d.refobjid
          join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
         where d.classid = 'pg_class'::regclass and d.deptype = 'a' and s.oid {_IN} order by s.relname""",
    # The head names the schema, whatever the search path; the body was looked through above.
    f"""select regexp_replace(pg_get_functiondef(p.oid), '^(CREATE OR REPLACE (?:FUNCTION|PROCEDURE)) \\S+?\\.', '\\1 ')
          from pg_proc p where p.pronamespace = {_HERE} order by p.proname, p.oid""",
    f"""select format('alter table %I alter %I set default %s', c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))
          from pg_attrdef d join pg_class c on c.oid = d.adrelid
          join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
         where c.oid {_IN} and a.attgenerated = '' order by c.relname, a.attnum""",
    # Rows, before anything that looks at them.
    f"""select format('insert into %1$I (%2$s) overriding system value select %2$s from %3$I.%1$I', c.relname,
                (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                  where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''), current_schema())
          from {_TABLES} and pg_relation_size(c.oid) > 0
         order by c.relname""",
    f"""select format('select pg_catalog.setval(%L, %s, true)', quote_ident(relname), last)
          from (select relname, case when relkind = 'S' then pg_sequence_last_value(oid) end as last from pg_class where oid {_IN}) found
         where last is not null order by relname""",
    # Keys before what refers to them.
    f"""select format('alter table %I add constraint %I %s', c.relname, o.conname, pg_get_constraintdef(o.oid))
          from pg_constraint o join pg_class c on c.oid = o.conrelid
         where o.conrelid {_IN} and o.contype in ('p', 'u', 'x', 'c')
         order by array_position(array['p', 'u', 'x', 'c']::text[], o.contype::text), c.relname, o.conname""",
    f"""select pg_get_indexdef(i.indexrelid, 0, true) from pg_index i join pg_class c on c.oid = i.indexrelid
         where c.oid {_IN} and not exists (
               select 1 from pg_constraint where conrelid = i.indrelid and conindid = i.indexrelid
               and contype in ('p', 'u', 'x')) order by c.relname""",
    f"""select format('alter table %I add constraint %I %s', c.relname, o.conname, pg_get_constraintdef(o.oid))
          from pg_constraint o join pg_class c on c.oid = o.conrelid
         where o.conrelid {_IN} and o.contype = 'f' order by c.relname, o.conname""",
    f"""select pg_get_triggerdef(t.oid, true) from pg_trigger t join pg_class c on c.oid = t.tgrelid
         where c.oid {_IN} and not t.tgisinternal order by c.relname, t.tgname""",
    f"""select format('create policy %I on %I as %s for %s to %s%s%s', p.polname, c.relname,
               case when p.polpermissive then 'permissive' else 'restrictive' end,
               case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
               (select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ')
                  from unnest(p.polroles) role),
               coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ''),
               coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''))
          from pg_policy p join pg_class c on c.oid = p.polrelid where c.oid {_IN} order by c.relname, p.polname""",
    f"""select format('alter table %I enable row level security', c.relname) from {_TABLES} and c.relrowsecurity order by c.relname""",
    f"""select format('alter table %I force row level security', c.relname) from {_TABLES} and c.relforcerowsecurity order by c.relname""",
    f"""select format('comment on %s %s is %L', case c.relkind when 'i' then 'index' when 'S' then 'sequence' when 'r' then
                 case when d.objsubid = 0 then 'table' else 'column' end end,
               quote_ident(c.relname) || coalesce('.' || quote_ident(a.attname), ''), d.description)
          from pg_description d join pg_class c on c.oid = d.objoid
          left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
         where d.classoid = 'pg_class'::regclass and c.oid {_IN} order by c.relname, d.objsubid""",
    f"""select format('grant %s on %s %I to %s%s', g.privilege_type, case c.relkind when 'S' then 'sequence' else 'table' end, c.relname,
               case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
               case when g.is_grantable then ' with grant option' else '' end)
          from pg_class c, aclexplode(c.relacl) g
         where c.oid {_IN} and c.relkind in ('r', 'S') and g.grantee <> c.relowner order by c.relname, 1""",
    f"""select format('grant execute on function %s to %s', p.oid::regprocedure,
               case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end)
          from pg_proc p, aclexplode(p.proacl) g where p.pronamespace = {_HERE} and g.grantee <> p.proowner order by 1""",
)


def copy_schema(model: str, into: str) -> None:
    """Make an empty schema like the model, in one transaction. Raises NotCopyableError when the model holds something of a kind
    that is not copied, a DatabaseError when it holds rows that a policy may hide."""
    tenant, include_public = connection.tenant, connection.include_public_schema  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            connection.set_schema(model, include_public=False)  # type: ignore[attr-defined]
            statements = _statements(model)
            connection.set_schema(into, include_public=False)  # type: ignore[attr-defined]
            with connection.cursor() as cursor:
                cursor.execute(";\n".join([_BEFORE, *statements, _AFTER]))
    finally:
        connection.set_tenant(tenant, include_public)  # type: ignore[attr-defined]


def is_empty(schema_name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select not exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = %s)",
            [schema_name],
        )
        return bool(cursor.fetchone()[0])


def _statements(model: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE)
        cursor.execute(_STRANGE)
        strange = [what for (what,) in cursor.fetchall()]
        if strange:
            raise NotCopyableError(
                f"schema {model} holds what is not copied ({', '.join(strange[:5])}); teach apps/core/tenancy/copying.py its kind"
            )
        found = []
        for query in _PARTS:
            cursor.execute(query)
            found += [statement for (statement,) in cursor.fetchall()]
        return found
