{# What stands in the newest version that gives a value of a column; a version that gives none keeps what was. #}
{% macro last_given(column) -%}
    (array_agg({{ column }}) filter (where {{ column }} is not null) over versions_so_far)[
        count({{ column }}) over versions_so_far
    ]
{%- endmacro %}

{# True for what happened before this build: for an earlier day, before that day began; for today, all there is. A build
   that looks back leaves today's out too, since it must give the same bytes tomorrow. #}
{% macro is_before_this_build(happened_at, as_of) -%}
    {% if var('build') -%}
        {{ happened_at }} < {{ as_of_date(as_of) }}
    {%- else -%}
        ({{ happened_at }} < {{ as_of_date(as_of) }} or {{ as_of_date(as_of) }} >= current_date)
    {%- endif %}
{%- endmacro %}

{# A period's name within a sentence: "the year to March 2026", "2007". #}
{% macro period_name(period_start, period_months) -%}
    regexp_replace({{ period_phrase(period_start, period_months) }}, '^(in|on|from) ', '')
{%- endmacro %}

{# Positions as they stand in a sentence. #}
{% macro position_words(position) -%}
    case {{ position }}
        when 'met' then 'met'
        when 'on_trajectory' then 'on its path'
        when 'within_tolerance' then 'within tolerance'
        when 'off_trajectory' then 'off its path'
        when 'not_due' then 'without a verdict'
        when 'missed' then 'missed'
        when 'no_data' then 'without data'
    end
{%- endmacro %}

{% macro due_state_words(due_state) -%}
    case {{ due_state }}
        when 'none' then 'without a due date'
        when 'upcoming' then 'not due yet'
        when 'awaiting_data' then 'due, awaiting data'
        when 'past' then 'past its due date'
    end
{%- endmacro %}

{# A value as a reader sees it, with its period; null where there is none. #}
{% macro shown_value(value, period_label) -%}
    {{ value_text(value, 'unit', 'decimals') }} || coalesce(' (' || {{ period_label }} || ')', '')
{%- endmacro %}

{# "from 66.9 % to 66.1 %"; where both look alike, by how much. #}
{% macro moved_words(before, after) -%}
    case
        when {{ number_text(before, 'decimals') }} = {{ number_text(after, 'decimals') }}
            then 'by ' || round(({{ after }} - {{ before }})::numeric, 6)::double precision::text
        else
            'from ' || {{ value_text(before, 'unit', 'decimals') }} || ' to '
            || {{ value_text(after, 'unit', 'decimals') }}
    end
{%- endmacro %}

{# True where two numbers, of which either may be missing, are not the same. #}
{% macro differs(before, after) -%}
    coalesce(abs({{ before }} - {{ after }}) > 1e-9, ({{ before }} is null) <> ({{ after }} is null))
{%- endmacro %}

{# What is compared, written over the columns of mart_changes: its name, before and after in words, before and after as
   a number, and whether they differ. #}
{% macro changed_fields() -%}
    lateral (
        values
        (
            'target', case when not is_added then 'in the plan' end, case when not is_removed then 'in the plan' end,
            null::double precision, null::double precision, is_added or is_removed
        ),
        (
            'position', {{ position_words('before_position') }}, {{ position_words('after_position') }}, null, null,
            before_position is distinct from after_position
        ),
        (
            'evidence', replace(before_evidence, '_', ' '), replace(after_evidence, '_', ' '), null, null,
            before_evidence is distinct from after_evidence
        ),
        (
            'due_state', {{ due_state_words('before_due_state') }}, {{ due_state_words('after_due_state') }}, null,
            null, before_due_state is distinct from after_due_state
        ),
        (
            'assessed_value', {{ shown_value('before_assessed_value', 'before_assessed_period_label') }},
            {{ shown_value('after_assessed_value', 'after_assessed_period_label') }},
            before_assessed_value, after_assessed_value,
            {{ differs('before_assessed_value', 'after_assessed_value') }}
            or before_assessed_period_label is distinct from after_assessed_period_label
        ),
        (
            'latest_value', {{ shown_value('before_latest_value', 'before_latest_period_label') }},
            {{ shown_value('after_latest_value', 'after_latest_period_label') }},
            before_latest_value, after_latest_value,
            {{ differs('before_latest_value', 'after_latest_value') }}
            or before_latest_period_label is distinct from after_latest_period_label
        ),
        (
            'target_value', {{ value_text('before_target_value', 'unit', 'decimals') }},
            {{ value_text('after_target_value', 'unit', 'decimals') }},
            before_target_value, after_target_value, {{ differs('before_target_value', 'after_target_value') }}
        ),
        (
            'baseline_value', {{ value_text('before_baseline_value', 'unit', 'decimals') }},
            {{ value_text('after_baseline_value', 'unit', 'decimals') }}, before_baseline_value, after_baseline_value,
            {{ differs('before_baseline_value', 'after_baseline_value') }}
        ),
        (
            'due_date', to_char(before_due_date, 'FMDD FMMonth YYYY'), to_char(after_due_date, 'FMDD FMMonth YYYY'),
            null, null, before_due_date is distinct from after_due_date
        )
    ) as field (changed_field, before_text, after_text, before_value, after_value, is_changed)
{%- endmacro %}

{# The causes of a change, in their order, written over the same columns: name, whether it applies, and its words. #}
{% macro causes_of_change() -%}
    values
    (1, 'target_added', is_added, 'the plan files hold it now'),
    (2, 'target_removed', is_removed, 'the plan files no longer hold it'),
    (
        3, 'override', is_override and changed_field = 'position',
        case
            when after_is_overridden then override_author || ' set it by hand: ' || override_reason
            else 'what was set by hand has ended'
        end
    ),
    (
        4, 'target_changed', is_target and (is_elsewhere or not is_latest),
        case
            when before_version_number < after_version_number
                then
                    'the plan was issued again on ' || to_char(version_issued_date, 'FMDD FMMonth YYYY') || ': '
                    || version_reason
            when before_version_number > after_version_number then 'an earlier version of the target holds again'
            else 'the target was changed in the plan files'
        end
    ),
    (
        5, 'binding_changed', (is_standing and is_binding) or (is_latest and is_dataset),
        case
            when is_dataset
                then
                    'the figures now come from ' || coalesce(after_dataset_title, after_dataset_id)
                    || ' instead of ' || coalesce(before_dataset_title, before_dataset_id)
            else 'another selection of ' || coalesce(after_dataset_title, after_dataset_id) || ' is used now'
        end
    ),
    (
        6, 'origin_changed', is_origin and changed_field <> 'due_date',
        after_origin || ' figures have replaced ' || before_origin || ' ones'
    ),
    (
        7, 'boundary_changed', is_standing and is_boundary,
        'the area''s figure is now put together on other boundaries (' || replace(after_boundary_grade, '_', ' ')
        || ' instead of ' || replace(before_boundary_grade, '_', ' ') || ')'
    ),
    (
        8, 'value_withdrawn', (is_standing and is_assessed_withdrawn) or (is_latest and is_latest_withdrawn),
        'the source withdrew the value of '
        || case
            when is_latest then {{ period_name('before_latest_period_start', 'before_latest_period_months') }}
            else {{ period_name('before_assessed_period_start', 'before_assessed_period_months') }}
        end
    ),
    (
        9, 'new_period', (is_standing and is_assessed_new) or (is_latest and is_latest_new),
        'a value came for '
        || case
            when is_latest
                then
                    {{ period_name('after_latest_period_start', 'after_latest_period_months') }} || ', '
                    || {{ value_text('after_latest_value', 'unit', 'decimals') }}
            else
                {{ period_name('after_assessed_period_start', 'after_assessed_period_months') }} || ', '
                || {{ value_text('after_assessed_value', 'unit', 'decimals') }}
        end
    ),
    (
        10, 'revision_at_source', (is_standing and is_value_revised) or (is_latest and is_latest_revised),
        'the source revised the value of '
        || case
            when is_latest
                then
                    {{ period_name('after_latest_period_start', 'after_latest_period_months') }} || ' '
                    || {{ moved_words('before_latest_value', 'after_latest_value') }}
            else
                {{ period_name('after_assessed_period_start', 'after_assessed_period_months') }} || ' '
                || {{ moved_words('before_assessed_value', 'after_assessed_value') }}
        end
    ),
    (
        11, 'revision_at_source',
        is_standing and not is_value_revised and (is_margin_revised or is_compared_revised),
        case
            when is_margin_revised
                then
                    'the source revised the margin of error of the value of '
                    || {{ period_name('after_assessed_period_start', 'after_assessed_period_months') }}
            else 'the source revised figures that the value is compared with'
        end
    ),
    (
        12,
        case
            when before_baseline_value is null then 'new_period'
            when after_baseline_value is null then 'value_withdrawn'
            else 'revision_at_source'
        end,
        is_baseline_moved and changed_field in ('position', 'evidence', 'target_value', 'baseline_value'),
        case
            when before_baseline_value is null then 'a value came for the baseline'
            when after_baseline_value is null then 'the source withdrew the value of the baseline'
            else
                'the source revised the value of the baseline '
                || {{ moved_words('before_baseline_value', 'after_baseline_value') }}
        end
    ),
    (
        13, 'day_passed', is_standing and is_day,
        case
            when before_due_state = 'upcoming'
                then 'its due date, ' || to_char(after_due_date, 'FMDD FMMonth YYYY') || ', has passed'
            else 'the year of waiting for a value has ended'
        end
    ),
    (
        14, 'method_changed', is_method and changed_field not in ('target', 'latest_value', 'due_date'),
        'the method of assessment changed (version ' || coalesce(after_method_version::text, 'not known')
        || coalesce(' instead of ' || before_method_version, '') || ')'
    )
{%- endmacro %}
