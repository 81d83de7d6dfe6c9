"""/pda: the page of those who open parcels. Plain HTML and one script, for phones and scanners with a weak network."""
