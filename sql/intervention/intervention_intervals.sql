-- Title:   How uncertain is a change of perplexity, given the sample of documents?
-- Grain:   full_step, control, added, alpha, m, scale_back, b_pre, language; or `all`
-- Reads:   drawn_documents, intervention_losses
-- Paired bootstrap over documents: within a replicate, every setting has the same documents.
-- Intervals are the middle 95 % of the replicates of means over draws. difference: from no
-- steering; difference_none: from b_pre alone.
with summed as (
    select
        losses.full_step,
        losses.control,
        losses.added,
        losses.alpha,
        losses.m,
        losses.draw,
        losses.scale_back,
        losses.b_pre,
        losses.language,
        drawn.replicate,
        sum((drawn.weight * losses.nll)::decimal(38, 9)) as nll,
        sum(drawn.weight * losses.n_tokens) as n_tokens
    from intervention_losses as losses
    inner join drawn_documents as drawn on losses.document = drawn.document
    group by all
),

pooled as (
    from summed
    union all by name
    select
        * exclude (language, nll, n_tokens),
        'all' as language,
        sum(nll) as nll,
        sum(n_tokens) as n_tokens
    from summed
    group by all
),

compared as (
    select
        * exclude (nll, n_tokens),
        exp(nll::double / n_tokens) as perplexity,
        any_value(exp(nll::double / n_tokens)) filter (where added = 'baseline')
            over (partition by language, replicate) as baseline,
        any_value(exp(nll::double / n_tokens)) filter (where added = 'none')
            over (partition by language, replicate, alpha, scale_back) as perplexity_none
    from pooled
    where n_tokens > 0
),

averaged as (
    select
        * exclude (draw, perplexity, baseline, perplexity_none),
        list_avg(list(perplexity - baseline order by draw)) as difference,
        list_avg(list(perplexity - perplexity_none order by draw)) as difference_none
    from compared
    where added <> 'baseline'
    group by all
)

select
    full_step,
    control,
    added,
    alpha,
    m,
    scale_back,
    b_pre,
    language,
    quantile_cont(difference, 0.025) as difference_low,
    quantile_cont(difference, 0.975) as difference_high,
    quantile_cont(difference_none, 0.025) as difference_none_low,
    quantile_cont(difference_none, 0.975) as difference_none_high
from averaged
group by full_step, control, added, alpha, m, scale_back, b_pre, language
