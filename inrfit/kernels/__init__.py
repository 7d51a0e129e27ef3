"""Ways to run a description on tiles: `reference` is the plain one that every faster way is tested against."""
