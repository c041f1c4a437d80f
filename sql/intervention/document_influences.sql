-- Title:   By how much does each document move the loss and the perplexity of an arm?
-- Grain:   arm, language, document; language may be `all`
-- Kept:    as a table, because it is joined with itself
-- Reads:   arms, intervention_losses
-- The loss is a ratio, summed nll / tokens. A document's influence on it is (its nll - the
-- loss * its tokens) / all tokens, and on the perplexity exp(loss) times that (the delta
-- method). Means over draws, with perplexities relative to the highest, since not every one
-- fits a decimal. stratum: the document's own language.
with localized as (
    select
        arms.arm,
        losses.draw,
        losses.document,
        losses.n_tokens,
        losses.nll,
        losses.language as stratum,
        unnest([losses.language, 'all']) as language
    from intervention_losses as losses
    inner join arms using (control, added, alpha, m, scale_back)
),

losses as (
    select
        arm,
        draw,
        language,
        sum(n_tokens) as n_tokens_total,
        sum(nll::decimal(38, 9))::double / sum(n_tokens) as loss
    from localized
    group by all
),

totals as (
    select
        *,
        count(*) over draws as n_draws,
        max(loss) over draws as highest_loss
    from losses
    window draws as (partition by arm, language)
),

influences as (
    select
        localized.* exclude (draw, n_tokens, nll),
        totals.n_draws,
        totals.highest_loss,
        exp(totals.loss - totals.highest_loss) as perplexity,
        (localized.nll - totals.loss * localized.n_tokens) / totals.n_tokens_total as loss
    from localized
    inner join totals using (arm, draw, language)
)

select
    arm,
    language,
    document,
    stratum,
    sum(loss::decimal(38, 25))::double / n_draws as loss,
    exp(highest_loss) * sum((perplexity * loss)::decimal(38, 25))::double / n_draws
        as perplexity
from influences
group by arm, language, document, stratum, n_draws, highest_loss
