-- Title:   On which text do the features of figures 4 and 7 and of each class fire?
-- Grain:   figure, panel, feature, example
-- Reads:   figure_features, figure_tokens
-- `texts`: the document's tokens; a character that is split over tokens belongs to the first.
-- `text` has the run in brackets, with three tokens before and after.
with decoded as (
    select
        *,
        decoded_tokens(joined) as texts
    from figure_tokens
),

-- A run that begins within a character begins with it.
runs as (
    select
        *,
        list_max([
            i for i in range(1, first + 2) if i = 1 or texts[i] <> ''
        ]) as first_text
    from decoded
)

select
    chosen.figure,
    chosen.panel,
    chosen.size,
    chosen.step,
    chosen.layer,
    chosen.feature,
    chosen.class,
    chosen.class_exclusive,
    chosen.monosemanticity,
    chosen.mean_span,
    chosen.n_firings,
    chosen.max_value,
    runs.example,
    runs.rank,
    runs.document,
    runs.language,
    runs.position,
    runs.texts,
    array_to_string(runs.texts[greatest(runs.first_text - 3, 1):runs.first_text - 1], '')
    || '['
    || array_to_string(runs.texts[runs.first_text:runs.last + 1], '')
    || ']'
    || array_to_string(runs.texts[runs.last + 2:runs.last + 4], '') as text
from runs
inner join figure_features as chosen using (figure, panel, feature)
