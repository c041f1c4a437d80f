-- Check:   The halves of the text have the shares that eval_size gives them
-- Why:     The same numbers are computed twice, and must agree.
-- Guards:  text_parts: maxima, firings and classes of the part alone
-- Grain:   size, step, layer, documents
-- Reads:   text_parts, eval_size
select
    text_parts.size,
    text_parts.step,
    text_parts.layer,
    text_parts.documents,
    text_parts.n_features,
    eval_size.n_features as n_eval_size,
    text_parts.n_mixed / nullif(text_parts.n_features, 0) as mixed_share,
    eval_size.mixed_share as mixed_share_eval_size
from text_parts
inner join eval_size using (size, step, layer, documents)
where
    text_parts.features = 'all'
    and eval_size.population = 'alive'
    and (
        text_parts.n_features <> eval_size.n_features
        or coalesce(
            abs(text_parts.n_mixed / text_parts.n_features - eval_size.mixed_share) > 1e-9,
            false
        )
        or coalesce(
            abs(
                text_parts.n_mixed_exclusive / nullif(text_parts.n_exclusive, 0)
                - eval_size.mixed_share_exclusive
            ) > 1e-9,
            false
        )
    )
