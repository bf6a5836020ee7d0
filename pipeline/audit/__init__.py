"""Archive and rows compared and put right: where the store and the fold meet outside a worker."""
