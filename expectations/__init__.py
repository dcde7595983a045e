"""The gate: what must hold before readers see a new publication."""
