"""The published app's procedure, rebuilt to be measured beside ours: the same requests, queries and bytes, in own code.

- A page per trial holds the image and both maps as base64 of their PNG files.
- An answer is looked for and then created, without a constraint and without a transaction.
- After each answer the browser is sent to the group's address, and from there to the next page. Each of the three
  requests finds the group by its four names, and the last two load all its examples to count them.
- The start page asks ten queries for every group.
"""
