-- Title:   Do the paper's three findings hold?
-- Grain:   finding, comparison, of_size, measure, chosen_on
-- Reads:   contrasts, measured_shares
-- Paper:   the mixed share falls and rises again, is highest in the middle layers, and
--          higher in larger models
-- The estimate is left minus right, of alive features. Its interval combines the cells' Wilson
-- intervals by Newcombe's method, as if cells were independent, so it is over features alone.
-- The verdict is `yes` if the whole interval is above 0, and `no` if it is below 0 or the turn
-- is itself the first or last step. A size turns if `fall` and `rise` are both `yes`. Steps are
-- the first on the left and the last on the right; a difference in fvu or n_alive, weighted
-- like the shares, may explain the difference in shares.
with distances as (
    select
        contrasts.*,
        shares.n_alive,
        shares.fvu,
        weight * share as term,
        newcombe_below(weight, share, share_low, share_high) as below,
        newcombe_above(weight, share, share_low, share_high) as above
    from contrasts
    left join measured_shares as shares
        on
            contrasts.size = shares.size
            and contrasts.step = shares.step
            and contrasts.layer = shares.layer
            and contrasts.measure = shares.measure
            and contrasts.measured_on = shares.documents
),

summed as (
    select
        finding,
        comparison,
        of_size,
        measure,
        chosen_on,
        measured_on,
        min(step) filter (where weight >= 0) as step_left,
        max(step) filter (where weight <= 0) as step_right,
        max(abs(weight)) = 0 as is_empty,
        if(count(term) = count(*), sum(term::decimal(18, 15))::double, null) as estimate,
        sqrt(sum(below::decimal(38, 25))::double) as below,
        sqrt(sum(above::decimal(38, 25))::double) as above,
        sum((weight * fvu)::decimal(18, 15)) filter (where weight > 0)::double as fvu_left,
        -sum((weight * fvu)::decimal(18, 15)) filter (where weight < 0)::double as fvu_right,
        sum((weight * n_alive)::decimal(38, 15)) filter (where weight > 0)::double as n_alive_left,
        -sum((weight * n_alive)::decimal(38, 15)) filter (where weight < 0)::double
            as n_alive_right
    from distances
    group by finding, comparison, of_size, measure, chosen_on, measured_on
)

select
    finding,
    comparison,
    of_size,
    measure,
    chosen_on,
    measured_on,
    step_left,
    step_right,
    estimate,
    estimate - below as low,
    estimate + above as high,
    'features' as interval_over,
    case
        when is_empty or estimate + above < 0 then 'no'
        when estimate - below > 0 then 'yes'
        when estimate is not null then 'undecided'
    end as verdict,
    fvu_left,
    fvu_right,
    n_alive_left,
    n_alive_right
from summed
