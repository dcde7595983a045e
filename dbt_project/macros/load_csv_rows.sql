{# How a seed's rows are inserted. As dbt does it, but the marks for the values are written once a batch: dbt looks up the
   macro for a single mark once a cell, which is nine tenths of the time that plan files of many targets take. #}
{% macro postgres__load_csv_rows(model, agate_table) -%}
    {%- set columns = get_seed_column_quoted_csv(model, agate_table.column_names) -%}
    {%- set marks = '(' ~ (['%s'] * (agate_table.column_names | length)) | join(', ') ~ ')' -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(1000) -%}
        {%- set bindings = [] -%}
        {%- for row in chunk -%}
            {%- do bindings.extend(row) -%}
        {%- endfor -%}
        {%- set statement -%}
            insert into {{ this.render() }} ({{ columns }}) values
            {{ ([marks] * (chunk | length)) | join(', ') }}
        {%- endset -%}
        {%- do adapter.add_query(statement, bindings=bindings, abridge_sql_log=True) -%}
        {%- if loop.first -%}{%- do statements.append(statement) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{%- endmacro %}
