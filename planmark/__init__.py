"""Planmark: for every target in a council's plans, where are we, how sure are we, will we get there?"""

__version__ = "0.1.0"
