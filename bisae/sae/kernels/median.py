"""The geometric median, the initial pre-bias of an autoencoder."""

import torch
from torch import Tensor


def geometric_median(
    x: Tensor, iterations: int = 100, tolerance: float = 1e-6
) -> Tensor:
    """Return the point with the least summed distance to x, (tokens, d) -> (d,).

    Weiszfeld's algorithm: means weighted by inverse distance, until convergence. If the
    point coincides with some of x, it leaves them only if the others pull it harder
    than they hold it (Vardi and Zhang 2000); the plain algorithm would get stuck.
    """
    point: Tensor = x.mean(0)
    for _ in range(iterations):
        distance = (x - point).norm(dim=1)
        coincides = distance <= 1e-6 * distance.mean()
        weight = torch.where(coincides, 0, 1 / distance)
        pull = ((x - point) * weight[:, None]).sum(0)
        free = (1 - coincides.sum() / pull.norm().clamp_min(1e-12)).clamp_min(0)
        move = free * pull / weight.sum().clamp_min(1e-12)
        point = point + move
        if move.norm() <= tolerance * point.norm().clamp_min(1e-12):
            break
    return point
