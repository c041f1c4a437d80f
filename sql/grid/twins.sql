-- Title:   Does each difference remain if both sides have the same FVU, or the same firings?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   twin_shares
-- A worse autoencoder has more mixed features, and so have features that fire less. So each
-- cell of a test is taken at the highest FVU among its cells, and at the lowest number of
-- firings per feature: on the line between the two nearest points that were measured. Null
-- if a cell has no such point. All documents and all features.
with differences as (
    select
        finding,
        comparison,
        of_size,
        measure,
        matched,
        sum((weight * share)::decimal(38, 20))::double as difference
    from twin_shares
    group by finding, comparison, of_size, measure, matched
    having count(share) = count(*)
)

select
    finding,
    comparison,
    of_size,
    measure,
    max(difference) filter (where matched = 'fvu') as at_same_fvu,
    max(difference) filter (where matched = 'firings') as at_same_firings
from differences
group by finding, comparison, of_size, measure
