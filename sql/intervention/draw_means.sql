-- Title:   What are an arm's mean loss and perplexity, and how much do they vary by draw?
-- Grain:   arm, language, measure; language may be `all`
-- Reads:   arms, interventions, pools
-- loss: nats a token. variance: of the mean over draws, the variance over draws / n_draws. It
-- is 0 where all features of the pool are added, since another draw would be the same, and
-- unknown where one draw of several possible ones was measured.
with drawn as (
    select
        arms.arm,
        arms.added,
        interventions.draw,
        interventions.language,
        interventions.n_added,
        interventions.nll / interventions.n_tokens as loss,
        interventions.perplexity
    from interventions
    inner join arms using (control, added, alpha, m, scale_back)
    union all
    select distinct
        arms.arm,
        arms.added,
        0 as draw,
        interventions.language,
        0 as n_added,
        ln(interventions.baseline) as loss,
        interventions.baseline as perplexity
    from interventions
    inner join arms on arms.added = 'baseline'
),

listed as (
    select
        drawn.* exclude (loss, perplexity),
        measure.name as measure,
        measure.drawn_value
    from drawn
    cross join lateral (
        values
        ('loss', drawn.loss),
        ('perplexity', drawn.perplexity)
    ) as measure (name, drawn_value)
),

averaged as (
    select
        * exclude (draw, n_added, drawn_value),
        list_avg(list(n_added order by draw)) as n_added,
        list(drawn_value order by draw) as drawn_values
    from listed
    group by all
)

select
    averaged.arm,
    averaged.language,
    averaged.measure,
    averaged.n_added,
    len(averaged.drawn_values) as n_draws,
    list_avg(averaged.drawn_values) as mean,
    case
        when len(averaged.drawn_values) > 1
            then list_var_samp(averaged.drawn_values) / len(averaged.drawn_values)
        when averaged.n_added >= pools.n_features then 0
    end as variance
from averaged
left join pools on averaged.added = pools.added
