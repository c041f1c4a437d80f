-- Title:   How large is each difference that the findings test, in the controls?
-- Grain:   finding, comparison, of_size, measure, control; tests whose cells the control has
-- Reads:   contrasts, controls, measured_shares
-- For `turn`, the control is compared with the turn; for layers and sizes, its layers and its
-- sizes with each other. All documents and all features.
with shares as (
    select
        controls.control,
        controls.of_size as size,
        controls.of_step as step,
        controls.layer,
        shares.measure,
        shares.share
    from controls
    inner join measured_shares as shares using (size, step, layer)
    where shares.documents = 'all' and shares.features = 'all'
),

kinds as (
    select distinct control
    from controls
),

members as (
    select
        contrasts.*,
        kinds.control,
        contrasts.finding = 'turn' and contrasts.weight < 0 as is_trained
    from contrasts
    cross join kinds
)

select
    members.finding,
    members.comparison,
    members.of_size,
    members.measure,
    members.control,
    sum((
        members.weight * if(members.is_trained, trained.share, shares.share)
    )::decimal(38, 20))::double as difference
from members
left join shares using (control, size, step, layer, measure)
left join measured_shares as trained
    on
        members.size = trained.size
        and members.step = trained.step
        and members.layer = trained.layer
        and members.measure = trained.measure
        and trained.documents = 'all'
        and trained.features = 'all'
group by
    members.finding,
    members.comparison,
    members.of_size,
    members.measure,
    members.control
having count(if(members.is_trained, trained.share, shares.share)) = count(*)
