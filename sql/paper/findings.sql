-- Title:   Do the paper's three findings hold? Each as a test, with interval and verdict
-- Grain:   finding, comparison, of_size, measure, chosen_on
-- Reads:   contrasts, measured_shares
-- Paper:   the mixed share falls and rises again, is highest in the middle layers, and
--          higher in larger models
-- Estimate: left minus right, of alive features. Its interval combines the cells' Wilson
-- intervals as if cells were independent (Newcombe's way: the squared distances of shares
-- to their bounds add up), so it is over features alone. Verdict: `yes` if all of it is
-- above 0, `no` if below, or if the turn is the first or the last step itself. It is a turn
-- if `fall` and `rise` are `yes`. Steps are the first of the left, the last of the right
-- side; a difference of fvu or n_alive, weighted as the shares are, may explain the other.
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
