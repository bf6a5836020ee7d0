"""Compare archive and rows outside of a worker, and repair the rows."""
