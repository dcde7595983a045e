{# Periods are written as their first day and their length in months; 0 months is a single day. #}

{# The last day of a period. #}
{% macro period_end(period_start, period_months) -%}
    case
        when {{ period_months }} = 0 then {{ period_start }}
        else ({{ period_start }} + make_interval(months => {{ period_months }}) - interval '1 day')::date
    end
{%- endmacro %}

{# A period's name in a table: 2007 · August 2006 · April 2005 to March 2006 · 30 June 2007. #}
{% macro period_label(period_start, period_months) -%}
    case
        when {{ period_months }} = 12 and extract(month from {{ period_start }}) = 1
            then to_char({{ period_start }}, 'FMYYYY')
        when {{ period_months }} = 0 and extract(day from {{ period_start }}) > 1
            then to_char({{ period_start }}, 'FMDD FMMonth YYYY')
        when {{ period_months }} in (0, 1) then to_char({{ period_start }}, 'FMMonth YYYY')
        else
            to_char({{ period_start }}, 'FMMonth YYYY') || ' to '
            || to_char({{ period_start }} + make_interval(months => {{ period_months }} - 1), 'FMMonth YYYY')
    end
{%- endmacro %}

{# The same in a sentence, after a value: "in 2007", "in the year to March 2006", "on 30 June 2007". #}
{% macro period_phrase(period_start, period_months) -%}
    case
        when {{ period_months }} = 12 and extract(month from {{ period_start }}) > 1
            then
                'in the year to '
                || to_char({{ period_start }} + make_interval(months => {{ period_months }} - 1), 'FMMonth YYYY')
        when {{ period_months }} = 0 and extract(day from {{ period_start }}) > 1
            then 'on ' || {{ period_label(period_start, period_months) }}
        when {{ period_months }} not in (0, 1, 12)
            then 'from ' || {{ period_label(period_start, period_months) }}
        else 'in ' || {{ period_label(period_start, period_months) }}
    end
{%- endmacro %}

{# A due date as people say it: the last of December is the end of that year, a month's last day is that month. #}
{% macro due_label(due_date) -%}
    case
        when extract(month from {{ due_date }}) = 12 and extract(day from {{ due_date }}) = 31
            then 'the end of ' || to_char({{ due_date }}, 'FMYYYY')
        when extract(day from {{ due_date }} + 1) = 1 then to_char({{ due_date }}, 'FMMonth YYYY')
        else to_char({{ due_date }}, 'FMDD FMMonth YYYY')
    end
{%- endmacro %}

{# A day as a number of months, so that a path over whole years is split into equal years, leap days or not. #}
{% macro month_number(day) -%}
    (
        extract(year from {{ day }}) * 12 + extract(month from {{ day }})
        + extract(day from {{ day }}) / extract(day from date_trunc('month', {{ day }}) + interval '1 month - 1 day')
    )::double precision
{%- endmacro %}

{# The day on which targets are assessed. #}
{% macro as_of_date(as_of) -%}
    {% if as_of %}'{{ as_of }}'::date{% else %}'{{ run_started_at.strftime("%Y-%m-%d") }}'::date{% endif %}
{%- endmacro %}

{# True for the version of a value that the warehouse held at the end of the as-of day. #}
{% macro is_known(valid_from, valid_to, as_of, versions) -%}
    {% if versions == 'current' -%}
        {{ valid_to }} = 'infinity'
    {%- else -%}
        {{ valid_from }} < {{ as_of_date(as_of) }} + 1 and {{ valid_to }} >= {{ as_of_date(as_of) }} + 1
    {%- endif %}
{%- endmacro %}

{# Plan files write a period as its first day and an ISO 8601 length: 2005-04-01/P12M. These take it apart. #}
{% macro written_period_start(period) -%}
    split_part({{ period }}, '/', 1)::date
{%- endmacro %}

{% macro written_period_months(period) -%}
    (
        extract(year from split_part({{ period }}, '/', 2)::interval) * 12
        + extract(month from split_part({{ period }}, '/', 2)::interval)
    )::integer
{%- endmacro %}
