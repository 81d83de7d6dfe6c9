"""The command line: `oms`. Owns words, tables and exit codes; asks the store, signals workflows, decides nothing."""
