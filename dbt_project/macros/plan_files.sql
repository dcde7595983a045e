{# The files of the plan registry, each a seed. #}
{% macro plan_files() -%}
    {{ return([
        'plans', 'plan_areas', 'area_changes', 'objectives', 'targets', 'target_points', 'actions', 'action_marks', 'documents',
        'target_profiles', 'target_rewards', 'overrides', 'milestones', 'kpis', 'budget_lines', 'risks', 'reporting_duties', 'printed_statistics', 'measures',
        'bindings', 'plan_findings', 'target_tables', 'unused_figures', 'target_reissues',
    ]) }}
{%- endmacro %}

{# The declared rules of one file, each as a query for the cells that break it. #}
{% macro declared_rules(node, seeds) -%}
    {%- set queries = [] -%}
    {%- set table = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- set keys = [] -%}
    {%- for column in node.columns.values() -%}
        {%- set rules = column.config.meta -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- set cells -%}
            {%- if rules.get('list') -%}
                (select unnest(string_to_array({{ name }}, '; ')) as cell from {{ table }} where {{ name }} is not null) as cells
            {%- else -%}
                (select {{ name }}::text as cell from {{ table }} where {{ name }} is not null) as cells
            {%- endif -%}
        {%- endset -%}
        {%- if rules.get('key') -%}{%- do keys.append(name) -%}{%- endif -%}
        {%- if rules.get('key') or rules.get('required') -%}
            {%- do queries.append(broken_cells(node.name, column.name, "''", table, name ~ ' is null', 'is empty')) -%}
        {%- endif -%}
        {%- if rules.get('allowed') -%}
            {%- set allowed = "'" ~ rules['allowed'] | join("', '") ~ "'" -%}
            {%- do queries.append(broken_cells(node.name, column.name, 'cell', cells, 'cell not in (' ~ allowed ~ ')', 'is not allowed')) -%}
        {%- endif -%}
        {%- if rules.get('references') -%}
            {%- do queries.append(broken_cells(node.name, column.name, 'cell', cells, 'cell not in (' ~ referred_values(rules['references'], seeds) ~ ')', 'refers to nothing')) -%}
        {%- endif -%}
        {%- if rules.get('minimum') is not none -%}
            {%- do queries.append(broken_cells(node.name, column.name, name ~ '::text', table, name ~ ' < ' ~ rules['minimum'], 'is too small')) -%}
        {%- endif -%}
        {%- if rules.get('maximum') is not none -%}
            {%- do queries.append(broken_cells(node.name, column.name, name ~ '::text', table, name ~ ' > ' ~ rules['maximum'], 'is too large')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set key = keys | join(', ') -%}
    {%- do queries.append(broken_cells(node.name, 'key', "concat_ws(' ', " ~ key ~ ')', table, 'true group by ' ~ key ~ ' having count(*) > 1', 'stands there twice')) -%}
    {{ return(queries) }}
{%- endmacro %}

{% macro broken_cells(file, column, found, rows, condition, broken) -%}
    select '{{ file }}' as file_name, '{{ column }}' as column_name, {{ found }} as found, '{{ broken }}' as broken
    from {{ rows }}
    where {{ condition }}
{%- endmacro %}

{# The values that `file.column` holds; areas are those of the reference list and of the plans. #}
{% macro referred_values(place, seeds) -%}
    {%- set file, column = place.split('.') -%}
    {%- for node in [seeds[file]] + ([seeds['plan_areas']] if file == 'areas' else []) -%}
        {%- if not loop.first %} union all {% endif -%}
        select {{ adapter.quote(column) }}::text from {{ api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) }}
        where {{ adapter.quote(column) }} is not null
    {%- endfor -%}
{%- endmacro %}
