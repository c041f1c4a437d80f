-- Title:   How often does each feature fire in each language, by the script of the token?
-- Grain:   feature, language by its position in the study's list
-- Reads:   token_rules, token_scripts, settings
-- Where the script belongs to no language, the document's language counts.
select
    token_rules.feature,
    coalesce(
        list_position(settings.languages, token_scripts.language)::utinyint,
        token_rules.language
    ) as language_by_script,
    sum(token_rules.n_firings)::bigint as n_firings
from token_rules
left join token_scripts on token_rules.token_id = token_scripts.token_id
cross join settings
where token_rules.rules & 1 > 0
group by token_rules.feature, language_by_script
