-- Title:   What do a cell's firings add up to, and how many break a rule?
-- Grain:   size, step, layer
-- Reads:   firings_summed, settings
-- Weighted by the feature, as in `features_counted`.
select
    firings.size,
    firings.step,
    firings.layer,
    sum(hash(firings.feature, firings.n_firings, firings.max_value)::hugeint)
        as digests,
    sum((1 + hash(firings.feature + 1) % 2147483648)::hugeint * firings.languages)
        as languages,
    count(*) filter (where firings.n_placed < firings.n_firings) as n_lost,
    count(*) filter (
        where
        (
            firings.min_value::double
            > settings.firing_threshold * firings.max_value::double
        ) is not true
    ) as n_below
from firings_summed as firings
cross join settings
group by firings.size, firings.step, firings.layer
