-- Title:   How similar would the tokens of each pair of firings be, were they drawn at random
--          from their frequency bins?
-- Grain:   feature, source, language_a, language_b, are_exclusive
-- Reads:   bin_pairs, bin_cosines
select
    bin_pairs.feature,
    bin_cosines.source,
    bin_cosines.language_a,
    bin_cosines.language_b,
    bin_cosines.are_exclusive,
    sum(bin_pairs.n_pairs)::bigint as n_pairs,
    sum((bin_pairs.n_pairs * bin_cosines.cosine)::decimal(38, 15))::double as null_sum
from bin_pairs
inner join bin_cosines
    on
        bin_pairs.bin_a = bin_cosines.bin_a
        and bin_pairs.bin_b = bin_cosines.bin_b
group by
    bin_pairs.feature,
    bin_cosines.source,
    bin_cosines.language_a,
    bin_cosines.language_b,
    bin_cosines.are_exclusive
