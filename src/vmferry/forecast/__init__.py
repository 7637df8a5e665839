"""How long, how much downtime, does it converge: pure arithmetic over what was measured."""
