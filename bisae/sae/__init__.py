"""The sparse autoencoder: equations 1 to 3 of the paper, gradients and training."""

from bisae.sae.autoencoder import Autoencoder, Code, Gradients, Reconstruction
from bisae.sae.inputs import Input
from bisae.sae.make import (
    from_attributes,
    from_numpy,
    load_autoencoder,
    seeded,
    start,
    start_cosines,
    start_directions,
)
from bisae.sae.metrics import ReconstructionMetrics
from bisae.sae.relu import ReluAutoencoder
from bisae.sae.trainer import Trainer, product_dtype

__all__ = [
    "Autoencoder",
    "Code",
    "Gradients",
    "Input",
    "Reconstruction",
    "ReconstructionMetrics",
    "ReluAutoencoder",
    "Trainer",
    "from_attributes",
    "from_numpy",
    "load_autoencoder",
    "product_dtype",
    "seeded",
    "start",
    "start_cosines",
    "start_directions",
]
