"""Speed and size, measured against a control or a peer in the same run, and printed as ratios. Never a test."""
