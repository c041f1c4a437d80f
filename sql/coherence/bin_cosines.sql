-- Title:   How similar are two different tokens drawn at random from two frequency bins?
-- Grain:   source, bin_a, bin_b; bin_a <= bin_b
-- Reads:   bin_sums, frequency_bins, token_bins
-- The mean cosine of all pairs of different tokens. It is null for a bin with itself if the
-- bin has one token. A token that occurs in documents of two languages is in two bins.
with shared as (
    select
        a.bin as bin_a,
        b.bin as bin_b,
        count(*) as n_tokens
    from token_bins as a
    inner join token_bins as b on a.token_id = b.token_id and a.bin < b.bin
    group by a.bin, b.bin
),

pairs as (
    select
        a.bin as bin_a,
        b.bin as bin_b,
        a.language as language_a,
        b.language as language_b,
        a.is_exclusive and b.is_exclusive as are_exclusive,
        if(
            a.bin = b.bin,
            a.n_tokens * (a.n_tokens - 1) // 2,
            a.n_tokens * b.n_tokens - coalesce(shared.n_tokens, 0)
        ) as n_pairs
    from frequency_bins as a
    inner join frequency_bins as b on a.bin <= b.bin
    left join shared on a.bin = shared.bin_a and b.bin = shared.bin_b
)

select
    bin_sums.source,
    pairs.language_a,
    pairs.language_b,
    pairs.are_exclusive,
    pairs.bin_a,
    pairs.bin_b,
    pairs.n_pairs,
    bin_sums.cosine_sum / nullif(pairs.n_pairs, 0) as cosine
from bin_sums
inner join pairs on bin_sums.bin_a = pairs.bin_a and bin_sums.bin_b = pairs.bin_b
