"""Everything that touches disk, network and clock: ingest, evaluate, archive, deliver."""
