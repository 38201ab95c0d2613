"""One loop over epochs and spans of the encoded corpus, whatever the backend."""
