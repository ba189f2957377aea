"""Conversations that are kept on the server: one shelf for each API key, and one for those without.

Comes in: changes of a chat, each with the revision that its client has seen. Goes out: chats, lists of them,
what a search finds, and texts to take elsewhere. The native API calls `Chats`; the rows are in the database.

A chat is a tree of messages: an edited question or a second answer is another child of the same parent. What
a message holds beyond its text (images, thinking, counts) is the client's business and kept as it came.
"""

from corral.chats.chat import Change, Chat, Message, Summary
from corral.chats.limits import MAX_CHAT, MAX_MESSAGE, MAX_MESSAGES
from corral.chats.listing import Page
from corral.chats.shelf import Chats, Imported
from corral.chats.texts import markdown, read_chats

__all__ = [
    "MAX_CHAT",
    "MAX_MESSAGE",
    "MAX_MESSAGES",
    "Change",
    "Chat",
    "Chats",
    "Imported",
    "Message",
    "Page",
    "Summary",
    "markdown",
    "read_chats",
]
