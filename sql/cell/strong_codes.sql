-- Title:   Which activations are firings, and by which rules?
-- Grain:   feature, token_row; activations that fire by at least one rule
-- Reads:   codes_above, floors, feature_groups, token_marks
-- Paper:   section 3.2: an activation above a share of the feature's maximum
-- `rules` has a bit for each rule of `firing_rules`. No view that follows reads codes.
with marked as (
    select
        codes_above.feature,
        codes_above.token_row::uinteger as token_row,
        codes_above.value,
        codes_above.starts_run,
        token_marks.token_id,
        token_marks.language,
        token_marks.language_permuted,
        (
            (codes_above.value > floors.rule_0)::int
            + 2 * (codes_above.value > floors.rule_1)::int
            + 4 * (codes_above.value > floors.rule_2)::int
            + 8 * (codes_above.value > floors.rule_3)::int
            + 16 * (codes_above.value > floors.rule_4)::int
            + 32 * (codes_above.value > floors.rule_5)::int
            + 64 * (codes_above.value > floors.rule_6)::int
            + 128 * (codes_above.value > floors.rule_7)::int
            + 256 * (codes_above.value > floors.rule_8)::int
            + 512 * (codes_above.value > floors.rule_9)::int
        )
        & token_marks.rules as rules,
        feature_groups.feature_group
    from codes_above
    inner join floors on codes_above.feature = floors.feature
    inner join feature_groups on codes_above.feature = feature_groups.feature
    inner join token_marks on codes_above.token_row = token_marks.token_row
)

select
    feature,
    token_row,
    value,
    starts_run,
    token_id,
    language,
    language_permuted,
    rules::usmallint as rules,
    feature_group
from marked
where rules > 0
