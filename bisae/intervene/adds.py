"""What translates: the settings of it, and what each adds.

Reads and writes nothing; an autoencoder is handed in.
"""

from collections.abc import Sequence

from bisae.intervene.additions import NONE
from bisae.intervene.equation import adding, masks
from bisae.intervene.measure import NOTHING, Setting
from bisae.intervene.plan import Plan
from bisae.lm import Steer
from bisae.sae import Autoencoder


def chosen_settings(plan: Plan) -> list[Setting]:
    """What translates: each class at the first alpha and the least m, and without."""
    least = min(
        (one.m for one in plan.settings if one.added in plan.classes), default=0
    )
    wanted = (plan.asked.alpha[0], plan.asked.scale_back)
    return [NOTHING] + [
        one
        for one in plan.settings
        if one.control == "m"
        and (one.alpha, one.scale_back) == wanted
        and (one.added == NONE or (one.added in plan.classes and one.m == least))
    ]


def adds(
    plan: Plan, sae: Autoencoder, wanted: Sequence[Setting]
) -> dict[Setting, Steer | None]:
    """What each setting adds; None for the baseline."""
    bias = sae.b_pre if plan.asked.b_pre else None
    of = {
        (one.added, one.m, one.draw): mask
        for one, mask in zip(
            plan.additions, masks(plan.additions, sae, plan.asked.seed), strict=True
        )
        if one.control == "m"
    }
    return {
        one: None
        if one == NOTHING
        else adding(
            sae,
            of[one.added, one.m, one.draw],
            one.alpha,
            bias,
            scale_back=one.scale_back,
        )
        for one in wanted
    }
