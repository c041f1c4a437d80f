-- Title:   Which arms are compared with which?
-- Grain:   arm, reference_arm
-- Reads:   arms
-- Every arm with no steering (`baseline`) and with b_pre alone (`none`); mixed features with
-- the features of every other class and with random ones, with the same control.
select
    steered.arm,
    compared.arm as reference_arm,
    compared.added as reference
from arms as steered
inner join arms as compared
    on
        compared.added = 'baseline'
        or (
            compared.added = 'none'
            and steered.alpha = compared.alpha
            and steered.scale_back = compared.scale_back
        )
        or (
            steered.added = 'mixed'
            and compared.added not in ('mixed', 'reconstruction', 'random_directions')
            and steered.control = compared.control
            and steered.alpha = compared.alpha
            and steered.m = compared.m
            and steered.scale_back = compared.scale_back
        )
where steered.added <> 'baseline'
