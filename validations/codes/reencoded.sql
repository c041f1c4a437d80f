-- Title:   Which codes does a sample of tokens have when it is encoded again?
-- Grain:   token_row, feature; in either code
-- Kept:    as a table, because several views read it
-- Reads:   sampled_rows, sampled_codes, codes_again
-- A value that one of the two codes lacks is 0 there. `n_units` is their difference in units
-- in the last place of float16.
with paired as (
    select
        coalesce(sampled_codes.token_row, codes_again.token_row) as token_row,
        coalesce(sampled_codes.feature, codes_again.feature) as feature,
        sampled_codes.value,
        codes_again.value as value_again,
        coalesce(sampled_codes.value, 0)::double as stored,
        coalesce(codes_again.value, 0)::double as given
    from sampled_codes
    full join codes_again
        on
            sampled_codes.token_row = codes_again.token_row
            and sampled_codes.feature = codes_again.feature
),

measured as (
    select
        paired.*,
        2 ^ (floor(log2(greatest(stored, given, 2 ^ -14))) - 10) as unit
    from paired
)

select
    measured.token_row,
    measured.feature,
    measured.value,
    measured.value_again,
    sampled_rows.gap,
    abs(measured.stored - measured.given) / measured.unit as n_units
from measured
inner join sampled_rows on measured.token_row = sampled_rows.token_row
