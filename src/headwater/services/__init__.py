"""One file per feature: hears topics, publishes what follows from them."""
