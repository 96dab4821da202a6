"""Model references, the zoo and fetching, readers of GGUF and safetensors headers. Does not know what a model says."""
