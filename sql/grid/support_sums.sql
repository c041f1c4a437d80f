-- Title:   Sums over a cell's features, by the number of documents in which they fire
-- Grain:   size, step, layer, n_documents
-- Reads:   features
-- One pass over the features. Those with 50 documents or more share a row.
select
    size,
    step,
    layer,
    least(n_documents, 50) as n_documents,
    count(*) as n,
    count(*) filter (where language = 'mixed') as n_mixed,
    count(*) filter (where language_permuted = 'mixed') as n_mixed_null,
    count(language_exclusive) as n_exclusive,
    count(*) filter (where language_exclusive is not null and language = 'mixed')
        as n_mixed_paired,
    count(*) filter (where language_exclusive = 'mixed') as n_mixed_exclusive,
    count(monosemanticity_null) as n_monosemanticity_null,
    sum(monosemanticity::decimal(18, 15)) as monosemanticity,
    sum(monosemanticity_null::decimal(18, 15)) as monosemanticity_null
from features
group by size, step, layer, least(n_documents, 50)
