"""Choose the settings under which the mid model translates, and their steering.

Reads and writes no files; the caller passes the autoencoder.
"""

from collections.abc import Sequence

from bisae.intervene.equation import masked_decoders, steering_function
from bisae.intervene.measure import BASELINE_SETTING, SteeringSetting
from bisae.intervene.plan import Plan
from bisae.intervene.steering import NONE
from bisae.lm import Steer
from bisae.sae import Autoencoder


def translation_settings(plan: Plan) -> list[SteeringSetting]:
    """Choose the baseline, `none`, and each class at the first alpha and smallest m."""
    smallest_m = min(
        (setting.m for setting in plan.settings if setting.added in plan.classes),
        default=0,
    )
    strength = (plan.section.alpha[0], plan.section.scale_back)
    return [BASELINE_SETTING] + [
        setting
        for setting in plan.settings
        if setting.control == "m"
        and (setting.alpha, setting.scale_back) == strength
        and (
            setting.added == NONE
            or (setting.added in plan.classes and setting.m == smallest_m)
        )
    ]


def steering_functions(
    plan: Plan, sae: Autoencoder, settings: Sequence[SteeringSetting]
) -> dict[SteeringSetting, Steer | None]:
    """Return the steering function of each setting, None for the baseline."""
    bias = sae.b_pre if plan.section.b_pre else None
    decoders = {
        (vector.added, vector.m, vector.draw): decoder
        for vector, decoder in zip(
            plan.vectors,
            masked_decoders(plan.vectors, sae, plan.section.seed),
            strict=True,
        )
        if vector.control == "m"
    }
    return {
        setting: None
        if setting == BASELINE_SETTING
        else steering_function(
            sae,
            decoders[setting.added, setting.m, setting.draw],
            setting.alpha,
            bias,
            scale_back=setting.scale_back,
        )
        for setting in settings
    }
