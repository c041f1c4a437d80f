-- Check:   Every feature that fires on two tokens has its coherence, by every source
-- Why:     Trends would be of some features only, or of fewer sources than the study has.
-- Guards:  coherence is of all features with a pair of firings on different tokens
-- Grain:   size, step, layer, source
-- Reads:   features, coherence, bin_cosines
-- Only cells that have the table: older stores do not.
with expected as (
    select
        size,
        step,
        layer,
        count(*) filter (where n_tokens > 1) as n_expected
    from features
    group by size, step, layer
),

counted as (
    select
        size,
        step,
        layer,
        source,
        count(distinct feature) as n_features
    from coherence
    where token_set = 'all'
    group by size, step, layer, source
),

cells_with_table as (
    select distinct
        size,
        step,
        layer
    from counted
),

sources as (
    select distinct source
    from bin_cosines
)

select
    expected.size,
    expected.step,
    expected.layer,
    sources.source,
    expected.n_expected,
    counted.n_features
from expected
inner join cells_with_table using (size, step, layer)
cross join sources
left join counted using (size, step, layer, source)
where expected.n_expected is distinct from counted.n_features
