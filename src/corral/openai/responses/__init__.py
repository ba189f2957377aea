"""The Responses API, without memory: every request brings its whole conversation.

`items` turns input items into messages, `shapes` the body into a core request, `record` makes the response
object, `writer` answers with it or with the events that lead to it. The routes of `openai` use it.
"""
