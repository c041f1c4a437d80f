-- Title:   Sums of coherence over a cell's features, from which its trends follow
-- Grain:   source, token_set, kind, population
-- Reads:   coherence, feature_coherence, populations
-- Of one cell. `n_rows`: the rows of `coherence`, of every feature.
with counts as (
    select
        source,
        token_set,
        if(language_a = language_b, 'within', 'across') as kind,
        count(*) as n_rows
    from coherence
    group by all
),

members as (
    select
        feature_coherence.*,
        populations.population
    from feature_coherence
    inner join populations
        on
            (feature_coherence.supported or populations.counts_unsupported)
            and not populations.counts_dead
)

select
    counts.source,
    counts.token_set,
    counts.kind,
    members.population,
    any_value(counts.n_rows) as n_rows,
    count(*) as n_features,
    sum(members.coherence::decimal(18, 15))::double as coherence,
    sum(members.coherence_null::decimal(18, 15))::double as coherence_null,
    sum(members.excess::decimal(18, 15))::double as excess,
    sum((members.excess ^ 2)::decimal(18, 15))::double as excess_2
from counts
inner join members
    on
        counts.source = members.source
        and counts.token_set = members.token_set
        and counts.kind = members.kind
group by counts.source, counts.token_set, counts.kind, members.population
