"""Terms as text: the formula language (parser, printer), LaTeX, and JSON.

The public names are those of :mod:`symnum`: ``parse``, ``ParseError``, ``latex``, ``to_json`` and ``from_json``; ``str`` and ``repr`` of a
term are :func:`symnum.text.printer.to_text`.
"""
