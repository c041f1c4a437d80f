-- Check:   The pairs of tokens of one language are counted once
-- Why:     A missing or repeated pair of bins would change the null of coherence.
-- Guards:  n_pairs: over the bins of a language, every pair of its different tokens
-- Grain:   source, language
-- Reads:   tokens, bin_cosines
with occurring as (
    select
        language,
        count(distinct token_id) as n_tokens
    from tokens
    group by language
),

counted as (
    select
        source,
        language_a as language,
        sum(n_pairs)::bigint as n_pairs
    from bin_cosines
    where language_a = language_b
    group by source, language_a
)

select
    counted.source,
    occurring.language,
    occurring.n_tokens,
    counted.n_pairs
from occurring
left join counted on occurring.language = counted.language
where counted.n_pairs is distinct from occurring.n_tokens * (occurring.n_tokens - 1) // 2
