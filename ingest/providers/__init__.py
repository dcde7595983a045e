"""One module per provider. Providers do not import each other."""
