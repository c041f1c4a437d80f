-- Title:   How often does each feature fire in each language, those of documents permuted?
-- Grain:   rule, feature, language by its position in the study's list
-- Reads:   permuted_rules, firing_rules
select
    firing_rules.rule,
    permuted_rules.feature,
    permuted_rules.language_permuted as language,
    sum(permuted_rules.n_firings)::bigint as n_firings
from permuted_rules
inner join firing_rules on permuted_rules.rules & firing_rules.bit > 0
group by firing_rules.rule, permuted_rules.feature, permuted_rules.language_permuted
