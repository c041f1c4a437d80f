"""The toy study and the tiny language models that it trains."""
