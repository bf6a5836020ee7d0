"""Read raw inputs from files: discover them, detect their format, decompress and split them."""
