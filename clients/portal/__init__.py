"""The buyers' pages: where is my parcel, ask for a return, who must act next (AFT-1). Light HTML that needs no script.

Owns its process, its words and its forms. A browser sees one order, by a one-time link or a code sent to its phone.
"""
