"""Conversations: what customers and agents say to each other, over every channel."""
