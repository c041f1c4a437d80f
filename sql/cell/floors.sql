-- Title:   Which values must an activation of each feature exceed, rule by rule?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   rule_floors, eighth_floors
-- `least` is the lowest floor: nothing below it fires by any rule. A feature that is never
-- activated in a rule's documents has an infinite floor.
with by_rule as (
    select
        feature,
        min(floor) as least,
        max(floor) filter (where rule = 0) as rule_0,
        max(floor) filter (where rule = 1) as rule_1,
        max(floor) filter (where rule = 2) as rule_2,
        max(floor) filter (where rule = 3) as rule_3,
        max(floor) filter (where rule = 4) as rule_4,
        max(floor) filter (where rule = 5) as rule_5,
        coalesce(max(floor) filter (where rule = 6), 'infinity') as rule_6,
        coalesce(max(floor) filter (where rule = 7), 'infinity') as rule_7,
        coalesce(max(floor) filter (where rule = 8), 'infinity') as rule_8,
        coalesce(max(floor) filter (where rule = 9), 'infinity') as rule_9
    from rule_floors
    group by feature
),

by_eighth as (
    select
        feature,
        min(floor) as least,
        max(floor) filter (where eighth = 0) as eighth_0,
        max(floor) filter (where eighth = 1) as eighth_1,
        max(floor) filter (where eighth = 2) as eighth_2,
        max(floor) filter (where eighth = 3) as eighth_3,
        max(floor) filter (where eighth = 4) as eighth_4,
        max(floor) filter (where eighth = 5) as eighth_5,
        max(floor) filter (where eighth = 6) as eighth_6,
        max(floor) filter (where eighth = 7) as eighth_7
    from eighth_floors
    group by feature
)

select
    by_rule.* exclude (least),
    by_eighth.* exclude (feature, least),
    least(by_rule.least, by_eighth.least) as least
from by_rule
inner join by_eighth on by_rule.feature = by_eighth.feature
