"""The live page, and the small server that hands it out."""
