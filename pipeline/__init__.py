"""What happens to turn events: decode, fold, store, query. Knows no Faust."""
