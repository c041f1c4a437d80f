-- Title:   By how much does each document move the loss and the perplexity of a setting?
-- Grain:   control, added, alpha, m, scale_back, language, document; language may be `all`
-- Kept:    as a table, because it is joined with itself
-- Reads:   intervention_losses
-- The loss is a ratio, summed nll / tokens. A document's influence on it is (its nll - the
-- loss * its tokens) / all tokens, and on the perplexity exp(loss) times that (the delta
-- method). Means over draws. stratum: the document's own language.
with localized as (
    select
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        document,
        language,
        language as stratum,
        n_tokens,
        nll
    from intervention_losses
    union all
    select
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        document,
        'all' as language,
        language as stratum,
        n_tokens,
        nll
    from intervention_losses
),

totals as (
    select
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        language,
        sum(n_tokens) as n_tokens_total,
        sum(nll::decimal(18, 9))::double / sum(n_tokens) as loss
    from localized
    group by all
),

influences as (
    select
        localized.* exclude (n_tokens, nll),
        loss,
        (nll - loss * n_tokens) / n_tokens_total as influence
    from localized
    inner join totals using (control, added, alpha, m, draw, scale_back, language)
)

select
    control,
    added,
    alpha,
    m,
    scale_back,
    language,
    document,
    stratum,
    list_avg(list(influence order by draw)) as loss,
    list_avg(list(exp(loss) * influence order by draw)) as perplexity
from influences
group by control, added, alpha, m, scale_back, language, document, stratum
