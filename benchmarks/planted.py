"""Does our trainer find the features of a planted dictionary as SAELens' trainer does?

    python benchmarks/planted.py          # pip install '.[interop]'

Both learn from the same unit states, in the same order, with the same K, batch and
rate. SAELens' trainer runs twice: from our start (encoder rows equal random unit
directions, b_pre is the geometric median of the states) and from its own. States are
sparse sums of DIRECTIONS random directions in D dimensions, from `sae_lens.synthetic`.
Prints the mean correlation coefficient of the learned directions with the planted ones,
by SAELens' own function, and the seconds.
"""

import time
from collections.abc import Iterator
from typing import Any

import torch
from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.synthetic import (
    ActivationGenerator,
    FeatureDictionary,
    mean_correlation_coefficient,
)
from sae_lens.training.sae_trainer import SAETrainer

from bisae.sae import Autoencoder, Trainer, start
from bisae.study import Sae

DIRECTIONS, D, K = 256, 128, 8
BATCH, STEPS, LR, WARM_UP = 1024, 1000, 1e-3, 100
SEEDS = (0, 1)


def batches(planted: FeatureDictionary, seed: int) -> Iterator[torch.Tensor]:
    """Yield unit states, (BATCH, D), the same for every trainer."""
    draw = ActivationGenerator(
        DIRECTIONS,
        firing_probabilities=K / DIRECTIONS,
        mean_firing_magnitudes=1.0,
        std_firing_magnitudes=0.3,
    )
    torch.manual_seed(seed)
    while True:
        h = planted(draw.sample(2 * BATCH)).detach()
        h = h[h.norm(dim=1) > 0][:BATCH]  # few have no feature at all
        yield h / h.norm(dim=1, keepdim=True)


def our_settings(seed: int) -> Sae:
    """Return the settings of our trainer."""
    return Sae(
        n_features=DIRECTIONS, k=K, warmup_steps=WARM_UP, seed=seed, encoder_bias=True
    )


def ours(planted: FeatureDictionary, seed: int) -> torch.Tensor:
    """Train with `bisae`; return directions, (DIRECTIONS, D)."""
    states, settings = batches(planted, seed), our_settings(seed)
    first = next(states)
    trainer = Trainer(start(first, settings), settings, LR)
    trainer.step(first)
    for _ in range(STEPS - 1):
        trainer.step(next(states))
    return trainer.sae.W_dec


def theirs_from_our_start(planted: FeatureDictionary, seed: int) -> torch.Tensor:
    """Train with SAELens from the start of `bisae`."""
    first = next(batches(planted, seed))
    return theirs(planted, seed, start(first, our_settings(seed)))


def theirs(
    planted: FeatureDictionary, seed: int, initial: Autoencoder | None = None
) -> torch.Tensor:
    """Train with SAELens, from its own start by default; return (DIRECTIONS, D)."""
    states = batches(planted, seed)
    torch.manual_seed(seed)
    settings = TopKTrainingSAEConfig(
        d_in=D, d_sae=DIRECTIONS, k=K, decoder_init_norm=1.0
    )
    sae: Any = TopKTrainingSAE(settings)
    if initial is not None:
        with torch.no_grad():
            sae.W_enc.copy_(initial.W_enc.T)
            sae.W_dec.copy_(initial.W_dec)
            sae.b_dec.copy_(initial.b_pre)
    config = SAETrainerConfig(
        n_checkpoints=0,
        checkpoint_path=None,
        save_final_checkpoint=False,
        total_training_samples=STEPS * BATCH,
        device="cpu",
        autocast=False,
        lr=LR,
        lr_end=LR,
        lr_scheduler_name="constant",
        lr_warm_up_steps=WARM_UP,
        lr_decay_steps=0,
        adam_beta1=0.9,
        adam_beta2=0.999,
        n_restart_cycles=1,
        train_batch_size_samples=BATCH,
        dead_feature_window=1000,
        feature_sampling_window=2000,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1),
        n_batches_for_norm_estimate=1,
    )
    SAETrainer(cfg=config, sae=sae, data_provider=states, save_checkpoint_fn=None).fit()
    return sae.W_dec.detach()


def main() -> None:
    """Print a row for each seed."""
    trainers = {
        "bisae": ours,
        "SAELens, our start": theirs_from_our_start,
        "SAELens": theirs,
    }
    print(f"{'trainer':18}  seed  mcc     seconds")
    for seed in SEEDS:
        planted = FeatureDictionary(DIRECTIONS, D, initializer=None, seed=seed)
        for name, train in trainers.items():
            began = time.perf_counter()
            directions = train(planted, seed)
            seconds = time.perf_counter() - began
            vectors = planted.feature_vectors.detach()
            mcc = mean_correlation_coefficient(directions, vectors)
            print(f"{name:18}  {seed:4}  {mcc:.4f}  {seconds:.0f}", flush=True)


if __name__ == "__main__":
    main()
