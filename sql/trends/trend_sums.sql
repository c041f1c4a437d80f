-- Title:   What do trends add up? One pass over the features
-- Grain:   size, step, layer, supported
-- Reads:   features
-- Sums are of decimals, so exact: they do not hang on the order of the rows.
select
    size,
    step,
    layer,
    supported,
    count(*) as n,
    count(*) filter (where language = 'mixed') as n_mixed,
    count(*) filter (where language_permuted = 'mixed') as n_mixed_null,
    count(language_exclusive) as n_exclusive,
    count(*) filter (where language_exclusive = 'mixed') as n_mixed_exclusive,
    count(*) filter (where n_tokens = 1) as n_single_token,
    count(monosemanticity_null) as n_monosemanticity_null,
    sum(monosemanticity::decimal(18, 15)) as monosemanticity,
    sum((monosemanticity * monosemanticity)::decimal(18, 15)) as monosemanticity_2,
    sum(monosemanticity_null::decimal(18, 15)) as monosemanticity_null,
    sum((monosemanticity_null * monosemanticity_null)::decimal(18, 15)) as monosemanticity_null_2,
    sum(token_entropy::decimal(18, 15)) as token_entropy,
    sum((token_entropy * token_entropy)::decimal(18, 15)) as token_entropy_2,
    sum(semantic_entropy::decimal(18, 15)) as semantic_entropy,
    sum((semantic_entropy * semantic_entropy)::decimal(18, 15)) as semantic_entropy_2,
    sum(mean_span::decimal(38, 15)) as mean_span,
    sum((mean_span * mean_span)::decimal(38, 15)) as mean_span_2,
    sum(mean_span_active::decimal(38, 15)) as mean_span_active,
    sum((mean_span_active * mean_span_active)::decimal(38, 15)) as mean_span_active_2
from features
group by size, step, layer, supported
