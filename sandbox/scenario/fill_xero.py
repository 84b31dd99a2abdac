"""Nothing to fill yet: the API follows."""


def fill(store, account, plan):
    pass
