"""`make evaluate`: what the assessment is worth, measured. How to read it: docs/methodology.md."""
