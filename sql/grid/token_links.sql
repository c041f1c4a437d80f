-- Title:   How many pairs of similar tokens join two languages?
-- Grain:   the study
-- Reads:   neighbours, vocab, settings
-- The pairs above the semantic threshold. Within a language, across two: both tokens are
-- exclusive to a language; shared: at least one is not. With none across, no cluster joins
-- translations, so monosemanticity is blind to meaning that two languages share.
with links as (
    select
        neighbours.token_id,
        neighbours.other
    from neighbours
    cross join settings
    where neighbours.cosine::double > settings.semantic_threshold::double
),

kinds as (
    select
        case
            when a.language is null or b.language is null then 'shared'
            when a.language = b.language then 'within'
            else 'across'
        end as kind
    from links
    inner join vocab as a on links.token_id = a.token_id
    inner join vocab as b on links.other = b.token_id
)

select
    count(*) as n_links,
    count(*) filter (where kind = 'within') as n_within,
    count(*) filter (where kind = 'across') as n_across,
    count(*) filter (where kind = 'shared') as n_shared
from kinds
