-- Title:   In which cells does some feature violate which rule?
-- Grain:   size, step, layer, rule
-- Reads:   features_counted, feature_rules
-- Without a condition on rows, which would be evaluated for every row of the grid.
with violating as (
    select distinct
        size,
        step,
        layer
    from features_counted
    where not follows_rules
),

listed as (
    select distinct
        size,
        step,
        layer,
        unnest([
            if(firings_are_active, null, 'firings_are_active'),
            if(documents_have_firings, null, 'documents_have_firings'),
            if(clusters_have_tokens, null, 'clusters_have_tokens'),
            if(support_follows, null, 'support_follows'),
            if(entropies_in_range, null, 'entropies_in_range'),
            if(monosemanticity_in_range, null, 'monosemanticity_in_range'),
            if(monosemanticity_follows, null, 'monosemanticity_follows'),
            if(sure_class_follows, null, 'sure_class_follows'),
            if(span_in_range, null, 'span_in_range'),
            if(active_span_in_range, null, 'active_span_in_range'),
            if(shares_in_range, null, 'shares_in_range')
        ]) as rule
    from feature_rules
    semi join violating using (size, step, layer)
)

select
    size,
    step,
    layer,
    rule
from listed
where rule is not null
