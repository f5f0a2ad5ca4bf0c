"""Pure and shared: names, patterns, payload text, messages, encryption. No I/O, clock, randomness or environment."""
