-- Title:   By how much does each document move the loss and the perplexity of a setting?
-- Grain:   control, added, alpha, m, scale_back, language, document; language may be `all`
-- Kept:    as a table, because it is joined with itself
-- Reads:   intervention_losses
-- The loss is a ratio, summed nll / tokens. A document's influence on it is (its nll - the
-- loss * its tokens) / all tokens, and on the perplexity exp(loss) times that (the delta
-- method). Means over draws, with perplexities relative to the highest, since not every one
-- fits a decimal. stratum: the document's own language.
with localized as (
    select
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        document,
        n_tokens,
        nll,
        language as stratum,
        unnest([language, 'all']) as language
    from intervention_losses
),

losses as (
    select
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        language,
        sum(n_tokens) as n_tokens_total,
        sum(nll::decimal(38, 9))::double / sum(n_tokens) as loss
    from localized
    group by all
),

totals as (
    select
        *,
        count(*) over setting as n_draws,
        max(loss) over setting as highest_loss
    from losses
    window setting as (partition by control, added, alpha, m, scale_back, language)
),

influences as (
    select
        localized.* exclude (draw, n_tokens, nll),
        totals.n_draws,
        totals.highest_loss,
        exp(totals.loss - totals.highest_loss) as perplexity,
        (localized.nll - totals.loss * localized.n_tokens) / totals.n_tokens_total as loss
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
    sum(loss::decimal(38, 25))::double / n_draws as loss,
    exp(highest_loss) * sum((perplexity * loss)::decimal(38, 25))::double / n_draws
        as perplexity
from influences
group by
    control, added, alpha, m, scale_back, language, document, stratum, n_draws, highest_loss
