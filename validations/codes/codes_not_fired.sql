-- Check:   Every code above its feature's threshold is a firing
-- Why:     A missing firing is missing from every count.
-- Guards:  firing: value > threshold x the feature's maximum
-- Grain:   feature, token_row
-- Reads:   fired, firings, firings_differ
with above as (
    select
        fired.feature,
        fired.token_row,
        fired.value
    from fired
    inner join firings_differ on fired.feature = firings_differ.feature
),

known as (
    select
        firings.feature,
        firings.token_row
    from firings
    inner join firings_differ on firings.feature = firings_differ.feature
)

select
    above.feature,
    above.token_row,
    above.value
from above
left join known
    on above.feature = known.feature and above.token_row = known.token_row
where known.feature is null
