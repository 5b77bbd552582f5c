"""A running project: its scheduler, and what it says and is asked over HTTP. Without Docker rights or model keys."""
