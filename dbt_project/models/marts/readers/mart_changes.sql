{#- What readers see of each target now against what they saw last, with every cause that applies.

    One row for each thing that differs. The first cause in the order below is `cause`; the sentence names all: what a
    person did (another override, target, binding, or official figures), what the source did (boundaries, a withdrawal,
    a new period, a revision), what the calendar did, and another method of assessment. -#}
{%- set facts = [
    'target_title', 'measure_id', 'area_code', 'unit', 'position', 'evidence', 'due_state', 'is_overridden',
    'assessed_value', 'assessed_lower', 'assessed_upper', 'assessed_period_label', 'assessed_period_start',
    'assessed_period_months', 'assessed_period_end', 'compared_value', 'level_value', 'latest_value',
    'latest_period_label', 'latest_period_start', 'latest_period_months', 'latest_period_end', 'baseline_value',
    'target_value', 'due_date', 'dataset_id', 'origin', 'binding_id', 'boundary_grade', 'method_version',
    'version_number', 'target_hash',
] -%}
with

shown as (
    select * from {{ ref('fct_published_targets') }}
),

progress as (
    select * from {{ ref('mart_plan_progress') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

datasets as (
    select * from {{ ref('dim_datasets') }}
),

observations as (
    select * from {{ ref('fct_observations') }}
),

revisions as (
    select * from {{ ref('fct_revisions') }}
),

-- Before the first publication there is nothing to compare with.
seen as (
    select
        max(seen_publication_id) as seen_publication_id,
        max(seen_published_at) as seen_published_at
    from shown
    having count(*) > 0
),

paired as (
    select
        {% for fact in facts -%}
            shown.{{ fact }} as before_{{ fact }},
            progress.{{ fact }} as after_{{ fact }},
        {% endfor -%}
        shown.target_id as before_target_id,
        progress.target_id as after_target_id,
        progress.version_issued_date,
        progress.version_reason,
        progress.override_reason,
        progress.override_author,
        coalesce(progress.target_id, shown.target_id) as target_id,
        coalesce(progress.target_title, shown.target_title) as target_title,
        coalesce(progress.measure_id, shown.measure_id) as measure_id,
        coalesce(progress.unit, shown.unit) as unit
    from shown
    full outer join progress on shown.target_id = progress.target_id
),

-- The periods for which each measure and area has a value now.
valued as (
    select distinct
        measure_id,
        area_code,
        period_end
    from observations
    where value is not null
),

revised as (
    select
        measure_id,
        max(revised_at) as revised_at
    from revisions
    group by measure_id
),

joined as (
    select
        paired.*,
        seen.seen_publication_id,
        seen.seen_published_at,
        before_datasets.dataset_title as before_dataset_title,
        after_datasets.dataset_title as after_dataset_title,
        coalesce(measures.decimals, 1) as decimals,
        assessed_then.period_end is not null as still_has_assessed,
        latest_then.period_end is not null as still_has_latest,
        -- A day's grace: a delivery may have come while the last publication was built.
        coalesce(
            greatest(after_datasets.loaded_at, revised.revised_at) + interval '1 day' > seen.seen_published_at, false
        ) as is_data_newer
    from paired
    cross join seen
    left join measures on paired.measure_id = measures.measure_id
    left join revised on paired.measure_id = revised.measure_id
    left join datasets as before_datasets on paired.before_dataset_id = before_datasets.dataset_id
    left join datasets as after_datasets on paired.after_dataset_id = after_datasets.dataset_id
    left join valued as assessed_then
        on
            paired.before_measure_id = assessed_then.measure_id
            and paired.before_area_code = assessed_then.area_code
            and paired.before_assessed_period_end = assessed_then.period_end
    left join valued as latest_then
        on
            paired.before_measure_id = latest_then.measure_id
            and paired.before_area_code = latest_then.area_code
            and paired.before_latest_period_end = latest_then.period_end
),

-- What a person, or the calendar, changed.
steered as (
    select
        *,
        before_target_id is null as is_added,
        after_target_id is null as is_removed,
        coalesce(before_is_overridden, false) or coalesce(after_is_overridden, false) as is_override,
        coalesce(before_version_number <> after_version_number, false)
        or coalesce(before_target_hash <> after_target_hash, false) as is_target,
        coalesce(
            before_measure_id <> after_measure_id or before_area_code <> after_area_code, false
        ) as is_elsewhere,
        coalesce(before_binding_id <> after_binding_id, false) as is_binding,
        coalesce(before_dataset_id <> after_dataset_id, false) as is_dataset,
        coalesce(before_origin <> after_origin, false) as is_origin,
        coalesce(before_boundary_grade <> after_boundary_grade, false) as is_boundary,
        coalesce(coalesce(before_method_version, 0) <> after_method_version, false) as is_method
    from joined
),

-- What the source changed, where nothing above says already that it is another figure.
sourced as (
    select
        *,
        coalesce(
            before_assessed_period_start = after_assessed_period_start
            and before_assessed_period_months = after_assessed_period_months
            and not (is_binding or is_origin or is_elsewhere or is_boundary), false
        ) as is_same_assessed,
        coalesce(
            before_latest_period_start = after_latest_period_start
            and before_latest_period_months = after_latest_period_months
            and not (is_dataset or is_origin or is_elsewhere), false
        ) as is_same_latest,
        before_assessed_value is not null
        and not still_has_assessed
        and not (is_binding or is_dataset or is_origin or is_elsewhere) as is_assessed_withdrawn,
        before_latest_value is not null
        and not still_has_latest
        and not (is_dataset or is_origin or is_elsewhere) as is_latest_withdrawn,
        coalesce(before_latest_period_end <> after_latest_period_end, before_latest_period_end is null)
        and after_latest_value is not null as is_latest_moved,
        coalesce(before_assessed_period_end <> after_assessed_period_end, before_assessed_period_end is null)
        and after_assessed_value is not null as is_assessed_moved,
        coalesce(
            before_due_date = after_due_date
            and concat_ws(' ', before_due_state, after_due_state)
            in ('upcoming awaiting_data', 'upcoming past', 'awaiting_data past'), false
        ) as is_further
    from steered
),

flagged as (
    select
        *,
        is_latest_moved
        and not (is_latest_withdrawn or is_dataset or is_origin or is_elsewhere) as is_latest_new,
        -- A later value; or any other, unless the calendar, a person or the method chose it among those there were.
        is_assessed_moved
        and not is_assessed_withdrawn
        and (
            coalesce(after_assessed_period_end > before_assessed_period_end, is_latest_moved)
            or not (is_further or is_target or is_binding or is_origin or is_method)
        ) as is_assessed_new,
        -- Waiting ends with the year, or with the value that was awaited.
        is_further and not (before_due_state = 'awaiting_data' and is_assessed_moved) as is_day,
        is_same_assessed and {{ differs('before_assessed_value', 'after_assessed_value') }} as is_value_revised,
        is_same_assessed
        and (
            {{ differs('before_assessed_lower', 'after_assessed_lower') }}
            or {{ differs('before_assessed_upper', 'after_assessed_upper') }}
        ) as is_margin_revised,
        is_same_assessed
        and (
            {{ differs('before_compared_value', 'after_compared_value') }}
            or {{ differs('before_level_value', 'after_level_value') }}
        )
        and not (is_target or is_method) as is_compared_revised,
        is_same_latest and {{ differs('before_latest_value', 'after_latest_value') }} as is_latest_revised,
        {{ differs('before_baseline_value', 'after_baseline_value') }}
        and not (is_target or is_method) as is_baseline_moved
    from sourced
),

fields as (
    select
        flagged.*,
        field.changed_field,
        field.before_text,
        field.after_text,
        field.before_value,
        field.after_value,
        field.changed_field in ('position', 'evidence', 'due_state', 'assessed_value') as is_standing,
        field.changed_field = 'latest_value' as is_latest
    from flagged
    cross join {{ changed_fields() }}
    where
        field.is_changed
        and (field.changed_field = 'target' or not (flagged.is_added or flagged.is_removed))
),

-- Each cause that applies to a field, with its words.
caused as (
    select
        fields.target_id,
        fields.changed_field,
        string_agg(reason.cause, '; ' order by reason.place) as all_causes,
        (array_agg(reason.cause order by reason.place))[1] as cause,
        string_agg(reason.words, ', and because ' order by reason.place) as cause_words
    from fields
    cross join lateral ({{ causes_of_change() }}) as reason (place, cause, applies, words)
    where reason.applies
    group by fields.target_id, fields.changed_field
),

-- The rest is explained by newer figures behind it, such as those of other areas, or by nothing, which is a fault.
explained as (
    select
        fields.*,
        coalesce(caused.cause, case when fields.is_data_newer then 'revision_at_source' end) as cause,
        coalesce(caused.all_causes, case when fields.is_data_newer then 'revision_at_source' end) as all_causes,
        coalesce(caused.cause_words, case when fields.is_data_newer then 'figures behind it changed at the source' end)
            as cause_words,
        ' in the publication of '
        || to_char(fields.seen_published_at at time zone 'UTC', 'FMDD FMMonth YYYY') as when_words
    from fields
    left join caused
        on
            fields.target_id = caused.target_id
            and fields.changed_field = caused.changed_field
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        changed_field,
        target_title,
        before_text,
        after_text,
        before_value,
        after_value,
        unit,
        cause,
        all_causes,
        case
            when is_added then 'Not shown' || when_words || ', and shown now'
            when is_removed then 'Shown' || when_words || ', and no longer'
            when changed_field = 'position'
                then
                    upper(left(before_text, 1)) || substr(before_text, 2) || when_words || ', ' || after_text
                    || ' now'
            else
                case changed_field
                    when 'evidence' then 'The evidence'
                    when 'due_state' then 'The target'
                    when 'assessed_value' then 'The assessed value'
                    when 'latest_value' then 'The latest value'
                    when 'target_value' then 'The level to reach'
                    when 'baseline_value' then 'The baseline'
                    when 'due_date' then 'The due date'
                end
                || ' was ' || coalesce(before_text, 'not known') || when_words || ', and is '
                || coalesce(after_text, 'not known') || ' now'
        end
        || coalesce(', because ' || cause_words, '') || '.' as change_sentence,
        seen_publication_id as compared_publication_id,
        seen_published_at as compared_published_at
    from explained
)

select * from final
