-- Title:   What do each feature's firings add up to?
-- Grain:   size, step, layer, feature
-- Reads:   firings, tokens
with texts as (
    select
        token_row,
        (hash(language) % 65536)::bigint as weight
    from tokens
)

select
    firings.size,
    firings.step,
    firings.layer,
    firings.feature,
    count(*) as n_firings,
    count(texts.token_row) as n_placed,
    min(firings.value) as min_value,
    max(firings.value) as max_value,
    sum(texts.weight)::bigint as languages
from firings
left join texts on firings.token_row = texts.token_row
group by firings.size, firings.step, firings.layer, firings.feature
