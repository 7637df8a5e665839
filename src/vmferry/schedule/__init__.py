"""When each of many moves runs, over links and hosts of limited capacity, and how far from the best that can be."""
