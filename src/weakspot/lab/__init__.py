"""GPT, LLaMA and T5 shapes trained from scratch on the same tasks, so that the architecture alone differs."""
