-- Title:   Over how many consecutive tokens does each feature fire?
-- Grain:   feature
-- Reads:   firing_tokens, settings
-- Paper:   section 4.2, span length
-- Runs are firings less those that follow one of the same feature on the token before;
-- only an activation that follows another can. A run is truncated if it reaches the
-- window's end, so at most one of a document is.
with follows as (
    select
        earlier.feature,
        count(*) as n
    from firing_tokens as earlier
    inner join firing_tokens as later
        on
            earlier.feature = later.feature
            and earlier.token_row + 1 = later.token_row
    where not later.starts_run
    group by earlier.feature
),

counts as (
    select
        feature,
        count(*) as n,
        count(*) filter (
            where
            token_row % (select context - 1 from settings)
            = (select context - 2 from settings)
        ) as n_truncated
    from firing_tokens
    group by feature
)

select
    counts.feature,
    counts.n / (counts.n - coalesce(follows.n, 0)) as mean_span,
    counts.n_truncated / (counts.n - coalesce(follows.n, 0)) as truncated_share
from counts
left join follows on counts.feature = follows.feature
