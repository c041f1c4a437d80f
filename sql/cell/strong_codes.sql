-- Title:   Which activations are firings, and by which rules?
-- Grain:   feature, token_row; activations that fire by at least one rule, or in their eighth
-- Reads:   codes_above, floors, feature_groups, token_marks
-- Paper:   section 3.2: an activation above a share of the feature's maximum
-- `rules` has a bit for each rule of `firing_rules`; fires_in_eighth: by the maximum of its
-- eighth of the text. No view that follows reads codes.
with marked as (
    select
        codes_above.feature,
        codes_above.token_row::uinteger as token_row,
        codes_above.value,
        codes_above.starts_run,
        codes_above.halvings,
        token_marks.token_id,
        token_marks.own_language,
        token_marks.eighth,
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
        codes_above.value > case token_marks.eighth
            when 0 then floors.eighth_0
            when 1 then floors.eighth_1
            when 2 then floors.eighth_2
            when 3 then floors.eighth_3
            when 4 then floors.eighth_4
            when 5 then floors.eighth_5
            when 6 then floors.eighth_6
            else floors.eighth_7
        end as fires_in_eighth,
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
    halvings,
    token_id,
    own_language,
    eighth,
    language,
    language_permuted,
    rules::usmallint as rules,
    fires_in_eighth,
    feature_group
from marked
where rules > 0 or fires_in_eighth
