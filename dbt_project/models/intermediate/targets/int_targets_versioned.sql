{#- A target as it was printed first, and once more for each time that its plan was issued again: what a version does
    not give stays as it was. A version is valid from the day of issue until the day before the next; one that is issued
    after the as-of day is not known yet. -#}
with

targets as (
    select * from {{ ref('stg_plans__targets') }}
),

reissues as (
    select *
    from {{ ref('stg_plans__target_reissues') }}
    where issued_date <= {{ as_of_date(var('as_of')) }}
),

given as (
    select
        target_id,
        null::date as issued_date,
        target_value,
        target_lower,
        target_upper,
        due_date,
        due_basis,
        baseline_value,
        baseline_period,
        null::text as reason,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from targets
    union all
    select
        target_id,
        issued_date,
        target_value,
        target_lower,
        target_upper,
        due_date,
        case when due_date is not null then 'printed' end as due_basis,
        baseline_value,
        baseline_period,
        reason,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from reissues
),

final as (
    select
        target_id,
        (row_number() over versions_so_far)::integer as version_number,
        issued_date,
        lead(issued_date) over versions_so_far - 1 as valid_to_date,
        {{ last_given('target_value') }} as target_value,
        {{ last_given('target_lower') }} as target_lower,
        {{ last_given('target_upper') }} as target_upper,
        {{ last_given('due_date') }} as due_date,
        {{ last_given('due_basis') }} as due_basis,
        {{ last_given('baseline_value') }} as baseline_value,
        {{ last_given('baseline_period') }} as baseline_period,
        reason,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from given
    window versions_so_far as (partition by target_id order by issued_date asc nulls first)
)

select * from final
