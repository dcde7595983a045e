"""When, and in what order. No logic lives here."""
