-- Title:   How monosemantic would a feature without meaning be?
-- Grain:   bin of token-set sizes
-- Reads:   entropies, null_bins
-- A feature's entropies, for token sets drawn at random from the text.
select
    null_bins.n_tokens_low,
    null_bins.n_tokens_high,
    sum(entropies.monosemanticity::decimal(18, 15))::double / count(*) as monosemanticity
from entropies
inner join null_bins on entropies.feature = null_bins.feature
group by null_bins.n_tokens_low, null_bins.n_tokens_high
