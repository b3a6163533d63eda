"""Analysis tables: schemas, snapshots, the query engine, tallies and disclosure control."""
