"""The peer that we are measured beside: Action Llama, from npm, pinned with the integrity of every package."""
