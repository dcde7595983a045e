{#- Which trends stand out among the areas of one measure. Of a hundred areas in which nothing changes some seem to
    change all the same, so the rule of Benjamini and Hochberg looks at all of them together. -#}
with

trends as (
    select
        measure_id,
        area_code,
        p_value
    from {{ ref('int_series_trended') }}
),

-- Areas of the same p value all have the highest rank among them. An area without a p value is not one of the m.
ranked as (
    select
        *,
        count(p_value) over (partition by measure_id order by p_value) as rank_number,
        count(p_value) over (partition by measure_id) as ranks_count
    from trends
),

-- The largest p value that lies on the line or below it; all up to it are discoveries, also those above the line.
cut as (
    select
        *,
        max(p_value) filter (
            where p_value <= {{ discovery_rate() }} * rank_number / nullif(ranks_count, 0)
        ) over (partition by measure_id) as largest_p_value
    from ranked
),

final as (
    select
        measure_id,
        area_code,
        case when p_value is not null then coalesce(p_value <= largest_p_value, false) end as is_discovery
    from cut
)

select * from final
