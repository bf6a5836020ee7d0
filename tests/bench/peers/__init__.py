"""The same fold in other stream processors; each is a program that prints one line of JSON."""
