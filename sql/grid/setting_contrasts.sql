-- Title:   How large is each difference that the findings test, under every other setting?
-- Grain:   finding, comparison, of_size, measure, setting, value
-- Reads:   contrast_cells, sensitivity
-- Alive features, all documents and all features. `clustering` and `semantic_threshold` are
-- left out, since they change no class. Null where a cell has no value under the setting.
with differences as (
    select
        members.finding,
        members.comparison,
        members.of_size,
        members.measure,
        sensitivity.setting,
        sensitivity.value,
        if(
            members.measure = 'mixed_share',
            sensitivity.mixed_share,
            sensitivity.mixed_share_exclusive
        ) as share,
        members.weight
    from contrast_cells as members
    inner join sensitivity
        on
            members.size = sensitivity.size
            and members.step = sensitivity.step
            and members.layer = sensitivity.layer
    where
        sensitivity.population = 'alive'
        and not sensitivity.is_default
        and sensitivity.setting not in ('clustering', 'semantic_threshold')
)

select
    finding,
    comparison,
    of_size,
    measure,
    setting,
    value,
    if(
        count(share) = count(*) and abs(fsum(weight)) < 1e-9,
        sum((weight * share)::decimal(38, 20))::double,
        null
    ) as difference
from differences
group by finding, comparison, of_size, measure, setting, value
