"""Term backends: ``interned`` (hash-consed, canonical; the default) and ``tree`` (plain nodes, exactly as written)."""
