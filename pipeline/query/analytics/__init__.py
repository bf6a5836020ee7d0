"""The parts that all analytics operations share: windows, filters, items, page tokens, and the order of pages."""
