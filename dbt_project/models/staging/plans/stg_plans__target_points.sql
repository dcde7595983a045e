with

source as (
    select * from {{ ref('target_points') }}
),

final as (
    select
        target_id,
        point_date,
        point_value,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
