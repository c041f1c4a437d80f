-- Title:   In which language does each feature fire most: over all firings, over those on
--          exclusive tokens, and with permuted languages of documents?
-- Grain:   rule, feature, kind
-- Reads:   language_counts, script_counts, halved_counts, firing_rules
with counts as (
    select
        language_counts.kind,
        language_counts.rule,
        language_counts.feature,
        language_counts.language,
        language_counts.n_firings as n
    from language_counts
    inner join firing_rules on language_counts.rule = firing_rules.rule
    where not firing_rules.by_script or language_counts.kind <> 'true'
    union all
    select
        'true' as kind,
        firing_rules.rule,
        script_counts.feature,
        script_counts.language_by_script as language,
        script_counts.n_firings as n
    from script_counts
    inner join firing_rules on firing_rules.by_script
    union all
    select
        kind,
        rule,
        feature,
        language,
        n_firings as n
    from halved_counts
)

select
    rule,
    feature,
    kind,
    sum(n)::bigint as n,
    max(n) / sum(n) as share,
    arg_max(language, n) as language
from counts
group by rule, feature, kind
