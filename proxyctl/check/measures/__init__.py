"""What a load adds up to: tallies, histograms, time lines."""
