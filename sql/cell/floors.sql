-- Title:   Which values must an activation of each feature exceed, rule by rule?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   rule_floors
-- `least` is the lowest floor: nothing below it fires by any rule. A feature that is never
-- activated in a rule's documents has an infinite floor.
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
