-- Title:   How do the trends depend on the amount of evaluation text?
-- Grain:   documents, population
-- Reads:   variant_trends, variant_names, parts, document_eighths
-- Maxima, firings and all metrics are of the part alone. Intervals are over features alone. A
-- trend that changes with the amount of text is not a property of the model.
with counts as (
    select
        parts.documents,
        count(*) as n_documents
    from document_eighths
    inner join parts on document_eighths.eighth = parts.eighth
    group by parts.documents
)

select
    variant_names.value as documents,
    counts.n_documents,
    trends.population,
    trends.n_features,
    trends.n_dead,
    trends.firings_per_feature,
    trends.mixed_share,
    trends.mixed_share_low,
    trends.mixed_share_high,
    trends.mixed_share_null,
    trends.mixed_share_null_low,
    trends.mixed_share_null_high,
    trends.mixed_share_exclusive,
    trends.mixed_share_exclusive_low,
    trends.mixed_share_exclusive_high,
    trends.monosemanticity,
    trends.monosemanticity_low,
    trends.monosemanticity_high,
    trends.monosemanticity_null,
    trends.monosemanticity_null_low,
    trends.monosemanticity_null_high,
    trends.single_token_share,
    trends.single_token_share_low,
    trends.single_token_share_high,
    trends.token_entropy,
    trends.token_entropy_low,
    trends.token_entropy_high,
    trends.semantic_entropy,
    trends.semantic_entropy_low,
    trends.semantic_entropy_high,
    trends.mean_span,
    trends.mean_span_low,
    trends.mean_span_high
from variant_trends as trends
inner join variant_names on trends.step = variant_names.variant
inner join counts on variant_names.value = counts.documents
where variant_names.table_name = 'eval_size'
