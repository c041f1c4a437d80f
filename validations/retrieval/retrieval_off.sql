-- Check:   Every estimate lies in its interval, and the tokens are their own baseline
-- Why:     A comparison with chance or with the tokens reads the intervals.
-- Guards:  retrieval: intervals over pairs
-- Grain:   size, step, layer, source, language_a, language_b
-- Reads:   retrieval
select
    size,
    step,
    layer,
    source,
    language_a,
    language_b,
    p_at_1_low,
    p_at_1,
    p_at_1_high,
    mrr_low,
    mrr,
    mrr_high,
    over_tokens_low,
    over_tokens,
    over_tokens_high
from retrieval
where
    (p_at_1 between p_at_1_low - 1e-9 and p_at_1_high + 1e-9) is not true
    or not coalesce(mrr between mrr_low and mrr_high, true)
    or (over_tokens between over_tokens_low and over_tokens_high) is not true
    or (source = 'tokens' and over_tokens <> 0)
    or (mrr between p_at_1 - 1e-9 and 1 + 1e-9) is not true
