"""The vocabulary: what turn events, conversations, wire messages and tables look like. Imports none of ours."""
