"""Encode the evaluation text with trained autoencoders; re-encode a sample."""
