"""The road: one request, from core values to events, the same for every dialect.

Comes in: a GenerateRequest, ChatRequest or EmbedRequest. Goes out: an Answer (events as they are made) or
Embeddings. It asks `library` for the model, `scheduler` for a runner, `prompt` for the text, the runner's
engine client for pieces and `answer` for events. The dialect rooms call it.
"""
