"""Corral: a local LLM platform that speaks the Ollama API."""

__version__ = "0.1.0"
