{#- The keys, references and allowed values that models/staging/plans/_plans__seeds.yml declares, held in the database:
    the same declaration that `planmark plans check` reads. Rows are cells that break a rule. -#}
-- depends_on: {{ ref('plans') }} {{ ref('plan_areas') }} {{ ref('area_changes') }} {{ ref('objectives') }}
-- depends_on: {{ ref('targets') }}
-- depends_on: {{ ref('target_points') }} {{ ref('target_profiles') }} {{ ref('target_rewards') }} {{ ref('overrides') }}
-- depends_on: {{ ref('actions') }} {{ ref('action_marks') }} {{ ref('documents') }}
-- depends_on: {{ ref('milestones') }} {{ ref('kpis') }} {{ ref('budget_lines') }} {{ ref('risks') }}
-- depends_on: {{ ref('reporting_duties') }} {{ ref('printed_statistics') }} {{ ref('measures') }} {{ ref('bindings') }}
-- depends_on: {{ ref('plan_findings') }} {{ ref('target_tables') }} {{ ref('unused_figures') }} {{ ref('target_reissues') }}
-- depends_on: {{ ref('areas') }} {{ ref('datasets') }}
{%- set ns = namespace(queries=[]) -%}
{%- if execute -%}
    {%- set seeds = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' -%}
        {%- do seeds.update({node.name: node}) -%}
    {%- endfor -%}
    {%- set declared = seeds.values() | selectattr('patch_path', 'defined') | selectattr('columns') | list -%}
    {%- for node in declared if node.name in plan_files() -%}
        {%- set ns.queries = ns.queries + declared_rules(node, seeds) -%}
    {%- endfor -%}
{%- endif %}
{% for query in ns.queries %}
{{ query }}
{{ 'union all' if not loop.last }}
{% else %}
select null::text as file_name, null::text as column_name, null::text as found, null::text as broken
where false
{% endfor %}
