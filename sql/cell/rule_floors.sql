-- Title:   Which value must an activation of each feature exceed, by each rule?
-- Grain:   feature, rule
-- Reads:   eighth_maxima, parts, firing_rules
-- Paper:   section 3.2: a share of the feature's maximum, here over the rule's documents
select
    eighth_maxima.feature,
    firing_rules.rule,
    any_value(firing_rules.threshold) * max(eighth_maxima.max_value)::double as floor
from eighth_maxima
inner join parts on eighth_maxima.eighth = parts.eighth
inner join firing_rules on parts.documents = firing_rules.documents
where firing_rules.bit > 0
group by eighth_maxima.feature, firing_rules.rule
