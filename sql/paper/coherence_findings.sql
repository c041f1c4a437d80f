-- Title:   Are the tokens of a feature more similar in meaning than random tokens?
-- Grain:   comparison, of_size
-- Reads:   coherence_trends, grid_cells
-- Paper:   the third finding, asked without a threshold
-- Middle layers at the last step, alive features, exclusive tokens: the mean excess of
-- coherence over its null, with its interval over features alone.
-- Verdicts and p_family (Holm's, over all tests) are those of `findings`; `untrained` is the
-- same excess at step 0.
with excesses as (
    select
        concat(
            if(trends.kind = 'across', 'across languages', 'within a language'),
            ', by ',
            trends.source
        ) as comparison,
        trends.*,
        grid.is_last_step,
        max(trends.excess) filter (where grid.tokens_seen = 0) over (
            partition by trends.size, trends.kind, trends.source
        ) as untrained
    from coherence_trends as trends
    inner join grid_cells as grid using (size, step, layer)
    where trends.population = 'alive' and trends.token_set = 'exclusive' and grid.is_middle
),

tests as (
    select
        *,
        (excess_high - excess_low) / (2 * z_95()) as standard_deviation,
        two_sided_p(excess / nullif(standard_deviation, 0)) as p
    from excesses
    where is_last_step and tokens_seen > 0
),

judged as (
    select
        *,
        count(p) over () as n_tests,
        holm(p, list(p) over ()) as p_family
    from tests
)

select
    'coherence' as finding,
    comparison,
    size as of_size,
    step,
    layer,
    n_features,
    coherence,
    coherence_null,
    excess as estimate,
    excess_low as low,
    excess_high as high,
    p,
    p_family,
    n_tests,
    verdict(p_family, excess, false, null, null) as verdict,
    'this model, this autoencoder, this text' as holds_for,
    untrained
from judged
