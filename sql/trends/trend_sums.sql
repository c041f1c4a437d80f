-- Title:   What do trends add up? One pass over the features
-- Grain:   size, step, layer, supported
-- Reads:   features
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
    fsum(monosemanticity) as monosemanticity,
    fsum(monosemanticity ^ 2) as monosemanticity_2,
    fsum(monosemanticity_null) as monosemanticity_null,
    fsum(monosemanticity_null ^ 2) as monosemanticity_null_2,
    fsum(token_entropy) as token_entropy,
    fsum(token_entropy ^ 2) as token_entropy_2,
    fsum(semantic_entropy) as semantic_entropy,
    fsum(semantic_entropy ^ 2) as semantic_entropy_2,
    fsum(mean_span) as mean_span,
    fsum(mean_span ^ 2) as mean_span_2,
    fsum(mean_span_active) as mean_span_active,
    fsum(mean_span_active ^ 2) as mean_span_active_2
from features
group by size, step, layer, supported
