-- Title:   What becomes of each feature between two cells?
-- Grain:   size, step, layer, size_to, step_to, layer_to, is_to, feature; supported, learned
-- Reads:   fates
-- The later cell is the one of the higher step, else the second. `death`: unmatched in the
-- later cell, while an autoencoder with another seed has the feature in its own cell and not in
-- the later one either; `birth`: the same backwards. Without another seed a feature is
-- `unmatched`, no more.
with reproduced as (
    select
        own_cell,
        feature
    from fates
    where kind = 'seeds' and own_cell = other_cell and fate = 'match'
),

confirmed as (
    select
        fates.own_cell,
        fates.other_cell,
        fates.feature
    from fates
    semi join reproduced
        on
            fates.own_cell = reproduced.own_cell
            and fates.feature = reproduced.feature
    where fates.kind = 'seeds' and fates.fate = 'unmatched'
)

select
    fates.size,
    fates.step,
    fates.layer,
    fates.size_to,
    fates.step_to,
    fates.layer_to,
    fates.is_to,
    fates.feature,
    fates.language_sure,
    fates.state,
    fates.best,
    fates.best_language_sure,
    fates.best_state,
    fates.jaccard,
    fates.token_jaccard,
    fates.own_cell,
    if(
        fates.fate = 'unmatched' and confirmed.feature is not null,
        if(fates.is_to = (fates.step_to < fates.step), 'death', 'birth'),
        fates.event
    ) as event
from fates
left join confirmed
    on
        fates.own_cell = confirmed.own_cell
        and fates.other_cell = confirmed.other_cell
        and fates.feature = confirmed.feature
where fates.kind = 'own'
