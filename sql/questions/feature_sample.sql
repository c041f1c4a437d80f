-- Title:   Which features are a random sample of each class?
-- Grain:   size, step, layer, language, rank
-- Reads:   features, settings
-- Supported features, in the order of a seeded hash: the first n of a class are a sample that
-- nobody chose.
select
    features.size,
    features.step,
    features.layer,
    features.language,
    row_number() over (
        partition by features.size, features.step, features.layer, features.language
        order by md5(concat(settings.null_seed, ':', features.feature)), features.feature
    ) as rank,
    features.feature
from features
cross join settings
where features.supported
