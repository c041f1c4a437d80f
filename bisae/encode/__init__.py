"""Encode the evaluation text with trained autoencoders; encode a sample again."""
