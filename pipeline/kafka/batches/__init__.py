"""Record batches as they lie on the wire: checked, unpacked and made readable before a client decodes them."""
