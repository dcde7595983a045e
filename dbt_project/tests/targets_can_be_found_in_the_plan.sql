-- No row of the registry without the place and the words it came from, twelve words at most.
select
    target_id,
    citation_line,
    citation_quote
from {{ ref('stg_plans__targets') }}
where
    citation_line is null
    or citation_section is null
    or citation_quote is null
    or array_length(regexp_split_to_array(trim(citation_quote), '\s+'), 1) > 12
