-- Title:   How often does each feature fire in each language, on all tokens and on exclusive
--          tokens only?
-- Grain:   feature, language, token_set
-- Reads:   bin_firings, frequency_bins
select
    bin_firings.feature,
    frequency_bins.language,
    item.token_set,
    sum(bin_firings.n_firings)::bigint as n_firings
from bin_firings
inner join frequency_bins on bin_firings.bin = frequency_bins.bin
cross join
    lateral (
        values ('all', true), ('exclusive', frequency_bins.is_exclusive)
    ) as item (token_set, is_included)
where item.is_included
group by bin_firings.feature, frequency_bins.language, item.token_set
