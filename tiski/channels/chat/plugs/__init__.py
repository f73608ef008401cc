"""What chat teaches the engines: the widget's door, its HTTP fallback, and the channel itself."""

from tiski.channels.chat.plugs import channel, door, fallback

__all__ = ["channel", "door", "fallback"]
