-- Title:   What is the sum of cosines over each feature's pairs of firings on different tokens?
-- Grain:   feature, source, language_a, language_b, are_exclusive
-- Reads:   cosine_sums
-- `cosine_sums` has a row for each pair of token groups: a language, exclusive or not.
select
    feature,
    source,
    language_a,
    language_b,
    is_exclusive_a and is_exclusive_b as are_exclusive,
    sum(cosine_sum::decimal(38, 15))::double as cosine_sum
from cosine_sums
group by feature, source, language_a, language_b, are_exclusive
