"""Remembers and waits. The story of an order, step by step; decides by domain, acts by activities."""
