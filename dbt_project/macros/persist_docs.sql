{# Comments on a mart and on its columns, in one message. dbt would ask the database twice which columns there are; a mart's
   contract has made sure of that, and in a night of 500 targets asking took a tenth of dbt's time. #}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() -%}
        {%- do comments.append(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for name, column in model.columns.items() -%}
            {%- do comments.append(
                "comment on column " ~ relation ~ "." ~ adapter.quote(name) ~ " is "
                ~ postgres_escape_comment(column.description)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- do run_query(comments | join("; ")) -%}
    {%- endif -%}
{%- endmacro %}
