"""A server that answers as NOMIS and the ONS "Explore local statistics" do, with demonstration figures.

It stands alone: it shares no code with the clients in `ingest`, so that a client's mistake cannot hide here.
Figures that a plan prints are served as printed (`data/printed.csv`); all others come from a fixed seed and
are marked by the header `X-Planmark-Origin: demonstration`. Codes that are not established for the true
service are listed in `datasets.py`.
"""

from pathlib import Path

DATA = Path(__file__).parent / "data"
