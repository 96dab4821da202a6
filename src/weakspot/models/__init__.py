"""Backends: llama.cpp in process, OpenAI-compatible HTTP, transformers, scripted."""
