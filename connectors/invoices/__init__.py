"""Services that issue e-invoices (数电票): one file each."""
