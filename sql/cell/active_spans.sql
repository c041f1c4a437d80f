-- Title:   Over how many consecutive tokens is each feature activated?
-- Grain:   feature
-- Reads:   maxima
-- Paper:   section 4.2, span length, over activations instead of firings
-- A run starts where the previous token of the document does not activate the feature; the
-- mean run is activations / runs. Null where weak activations, and with them the starts of
-- runs, were not read.
select
    feature,
    n_active / nullif(n_runs, 0) as mean_span_active
from maxima
