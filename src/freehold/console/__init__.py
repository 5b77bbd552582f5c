"""The console: what a person sees of a running project in a browser. Takes wire structs, and knows no database."""
