-- Title:   How many pairs of firings on different tokens of two frequency bins has a feature?
-- Grain:   feature, bin_a, bin_b, is_same_token; bin_a <= bin_b
-- Reads:   bin_firings, binned_tokens
-- All pairs of firings, and as a negative number those of two firings on the same token. In
-- one bin a firing is paired with itself as well, and every other pair is counted twice.
select
    a.feature,
    a.bin as bin_a,
    b.bin as bin_b,
    false as is_same_token,
    if(a.bin = b.bin, 0.5, 1)::double * a.n_firings * b.n_firings as n_pairs
from bin_firings as a
inner join bin_firings as b on a.feature = b.feature
where a.bin <= b.bin
union all
select
    a.feature,
    a.bin as bin_a,
    b.bin as bin_b,
    true as is_same_token,
    -sum(if(a.bin = b.bin, 0.5, 1)::double * a.n_firings * b.n_firings) as n_pairs
from binned_tokens as a
inner join binned_tokens as b
    on a.feature = b.feature and a.token_id = b.token_id
where a.bin <= b.bin
group by a.feature, a.bin, b.bin
