"""Tokenizers taken apart. Begins with what a token trail needs: the vocabulary inside a GGUF file."""
