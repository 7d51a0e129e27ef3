"""The codec: the `.inr` file, from its bytes to typed headers and weights. Nothing here fits or draws."""
