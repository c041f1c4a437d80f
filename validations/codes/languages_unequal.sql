-- Check:   Every language has the same number of evaluation tokens
-- Why:     Shares of languages mean something only if each had the same chance to fire.
-- Guards:  the corpus: equal tokens per language
-- Grain:   language
-- Reads:   eval_documents
with counted as (
    select
        language,
        sum(n_tokens) as n_tokens
    from eval_documents
    group by language
),

largest as (
    select max(n_tokens) as n_most
    from counted
)

select
    counted.language,
    counted.n_tokens,
    largest.n_most
from counted
cross join largest
where counted.n_tokens < largest.n_most
