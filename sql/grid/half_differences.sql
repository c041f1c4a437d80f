-- Title:   How far apart are the trends of the two halves of the text?
-- Grain:   size, step, layer, population, name
-- Reads:   eval_size
-- Each half has maxima, firings and classes of its own, as another text would. The squared
-- difference over 4 estimates the variance of the whole text's mean; over 2 sqrt(2) that of
-- its share of features, whose variance falls as 1 / sqrt(n): see `contrast_documents`.
with listed as (
    select
        eval_size.size,
        eval_size.step,
        eval_size.layer,
        eval_size.population,
        eval_size.documents,
        item.name,
        item.value
    from eval_size
    cross join
        lateral (
            values
            ('mixed_share', mixed_share),
            ('mixed_share_exclusive', mixed_share_exclusive),
            ('single_token_share', single_token_share),
            ('monosemanticity', monosemanticity),
            ('token_entropy', token_entropy),
            ('semantic_entropy', semantic_entropy),
            ('mean_span', mean_span)
        ) as item (name, value)
    where eval_size.documents in ('half', 'other half')
)

select
    size,
    step,
    layer,
    population,
    name,
    max(value) filter (where documents = 'half')
    - max(value) filter (where documents = 'other half') as difference
from listed
group by size, step, layer, population, name
