"""The console's addresses: the shop is in the path, so two tabs may hold two shops."""

from django.urls import URLPattern, URLResolver, include, path

from . import conversation, files, home, inbox, search, shops, widget_settings, writing

in_conversation = [
    path("messages/", conversation.messages, name="console-messages"),
    path("sending/", writing.send, name="console-send"),
    path("draft/", writing.draft, name="console-draft"),
    path("files/", files.upload, name="console-upload"),
    path("read-mark/", writing.read_mark, name="console-read-mark"),
    path("closure/", conversation.closure, name="console-closure"),
    path("assignment/", conversation.assignment, name="console-assignment"),
    path("messages/<int:message_id>/withdrawal/", writing.take_back, name="console-withdrawal"),
    path("outbox/<int:item_id>/retry/", writing.send_again, name="console-retry"),
]
in_inbox = [
    path("", inbox.page, name="console-inbox"),
    path("conversations/<int:conversation_id>/", conversation.page, name="console-conversation"),
    path("conversations/<int:conversation_id>/row/", inbox.row, name="console-row"),
    path("conversations/<int:conversation_id>/header/", conversation.header, name="console-header"),
    path("conversations/<int:conversation_id>/customer/", conversation.customer, name="console-customer"),
]
at_work: list[URLPattern | URLResolver] = [
    path("<slug:shop>/inbox/navigation/", inbox.navigation, name="console-navigation"),
    path("<slug:shop>/inbox/<slug:view>/", include(in_inbox)),
    path("<slug:shop>/conversations/<int:conversation_id>/", include(in_conversation)),
]
"""What agents ask for all day, to be looked at before every other address."""

urlpatterns = [
    path("", home.start, name="home"),
    path("shops/new/", shops.new, name="new-shop"),
    path("<slug:shop>/", home.shop, name="console-home"),
    path("<slug:shop>/inbox/", home.shop),
    path("<slug:shop>/settings/", home.settings),
    path("<slug:shop>/settings/widget/", widget_settings.windows, name="widget-settings"),
    path("<slug:shop>/settings/widget/<int:account_id>/", widget_settings.window, name="widget-window"),
    path("<slug:shop>/settings/widget/<int:account_id>/switch/", widget_settings.switch, name="widget-switch"),
    path("<slug:shop>/search/", search.page, name="console-search"),
    path("<slug:shop>/files/<slug:blob_id>/", files.download, name="console-file"),
    path("<slug:shop>/originals/<int:raw_id>/", files.original, name="console-original"),
]
