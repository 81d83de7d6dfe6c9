"""The operators' console: pages, sessions, live news. Asks the store and the workflows; decides nothing itself."""
