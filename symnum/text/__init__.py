"""Terms as text: the formula language (parser, printer), LaTeX, and JSON."""
