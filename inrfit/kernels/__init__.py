"""Ways to run a description: `reference` is the plain one that every faster way is tested against."""
