"""Train the small language models of a study's [pretrain] section.

Reads the training split's text; writes a tokenizer and ordinary checkpoints, one folder
per step, at the paths of the study's models, each with its held-out perplexities.
"""

from bisae.pretrain.checkpoints import is_finished
from bisae.pretrain.perplexity import perplexities
from bisae.pretrain.train import pretrain, train_tokenizer

__all__ = ["is_finished", "perplexities", "pretrain", "train_tokenizer"]
