"""From a provider's answer to the history of every value: fetch, archive, parse, load."""
