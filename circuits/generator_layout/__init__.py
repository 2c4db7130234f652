"""The layout of the bias generator, by itself and below its network."""
